"""What `cache` and its actions take."""

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
