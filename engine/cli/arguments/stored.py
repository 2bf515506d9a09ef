"""What `cache` and `collections` and their actions take."""

from __future__ import annotations

from argparse import _SubParsersAction

from engine.cli.arguments.options import byte_count
from engine.cli.arguments.parsers import command


def stored(commands: _SubParsersAction) -> None:
    """`cache`: what is stored, listed, pruned, pinned, exported and imported."""
    says = "manage the stored results"
    group = commands.add_parser("cache", help=says, description=f"{says.capitalize()}.")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    command(actions, "list", "results:list_", "list stored results, least recently used first")
    prune = command(actions, "prune", "results:prune", "remove damaged results, then the least recently used")
    what = prune.add_mutually_exclusive_group()
    what.add_argument("--limit", type=byte_count, metavar="SIZE", help="keep at most this size, like 500MB")
    what.add_argument("--all", action="store_true", help="remove every result that is not pinned")
    pin = command(actions, "pin", "results:pin", "keep results for good: pinned ones are never removed to make room")
    pin.add_argument("keys", nargs="*", metavar="KEY", help="which results")
    pin.add_argument("--list", action="store_true", help="only list what is pinned")
    unpin = command(actions, "unpin", "results:unpin", "let results be removed again when room is needed")
    unpin.add_argument("keys", nargs="+", metavar="KEY", help="which results")
    export = command(actions, "export", "results:export", "write results into one ZIP file")
    export.add_argument("file", metavar="FILE", help="the ZIP file to write")
    export.add_argument("keys", nargs="*", metavar="KEY", help="which results (default: all)")
    export.add_argument("--pack", action="store_true", help="a smaller file: pictures as lossless WebP")
    import_ = command(actions, "import", "results:import_", "add the results in such a file")
    import_.add_argument("file", metavar="FILE", help="the ZIP file to read")
    backup = command(actions, "backup", "backup:backup", "copy everything that a server keeps, while it runs")
    backup.add_argument("folder", metavar="DIR", help="a new folder for the copy")
    restore = command(actions, "restore", "backup:restore", "put such a copy in the place of the cache folder")
    restore.add_argument("folder", metavar="DIR", help="the copy")


def kept(commands: _SubParsersAction) -> None:
    """`collections`: what was gathered on the pages, as files."""
    says = "collections as files, larger than a page takes"
    group = commands.add_parser("collections", help=says, description=f"{says.capitalize()}.")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    command(actions, "list", "collections:list_", "list collections with their ids")
    export = command(actions, "export", "collections:export", "write a collection with its results into one file")
    export.add_argument("collection", metavar="ID", help="which collection")
    export.add_argument("file", metavar="FILE", help="the file to write")
    import_ = command(actions, "import", "collections:import_", "add a collection from such a file")
    import_.add_argument("file", metavar="FILE", help="the file to read")
    import_.add_argument("--share", action="store_true", help="let everyone who uses this server look at it")
