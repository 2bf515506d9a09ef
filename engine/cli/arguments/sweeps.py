"""What `sweep` takes."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction

from engine import COMMAND
from engine.cli.arguments.options import whole_number
from engine.cli.arguments.parsers import command
from engine.core import choices


def sweep(commands: _SubParsersAction) -> None:
    """`sweep`: many layers of models, in parts."""
    example = (
        "examples:\n"
        f"  {COMMAND} sweep starter-vit --sites mlp.hidden --units 0-63 --dry-run\n"
        f"  {COMMAND} sweep starter-vit starter-cnn --sites mlp.hidden stage.block --sample 64\n"
        f"  {COMMAND} sweep --status 0f3a9c51"
    )
    parser = command(commands, "sweep", "sweep:sweep", "everything of one kind about many layers, in parts", example)
    _what(parser)
    _how(parser)
    _begun(parser)


def _what(parser: ArgumentParser) -> None:
    """Models, layers and units."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="models' names, like starter-vit")
    parser.add_argument(
        "--sites",
        nargs="+",
        default=list(choices.USUAL_ROLES),
        metavar="S",
        help="layers by name, by role (mlp.hidden: all of them) or by pattern (blocks.[0-5].*); "
        "default: the usual ones",
    )
    parser.add_argument(
        "--experiment",
        default=choices.SWEPT[0],
        metavar="E",
        help=f"what is made of each: {', '.join(choices.SWEPT)} ...",
    )
    parser.add_argument("--units", default="", metavar="U", help="units of each layer: 0-63,100 (default: all)")
    parser.add_argument("--sample", type=whole_number, default=0, metavar="N", help="N units of each layer at random")
    parser.add_argument("--sample-seed", type=whole_number, default=0, metavar="N", help="which ones (default: 0)")


def _how(parser: ArgumentParser) -> None:
    """Settings of each request."""
    parser.add_argument("--recipe", metavar="NAME|FILE", help=f"recipe of pictures (default: {choices.DEFAULT_RECIPE})")
    parser.add_argument("--seed", type=whole_number, metavar="N", help="random seed (default: 0)")
    parser.add_argument("--data", metavar="NAME", help=f"images by name (default: {choices.DEFAULT_DATA})")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other setting")
    parser.add_argument(
        "--part", type=whole_number, default=64, metavar="N", help="units in a part (default: %(default)s)"
    )


def _begun(parser: ArgumentParser) -> None:
    """What is done with a sweep that was begun, or might be."""
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--dry-run", action="store_true", help="say what it would be, and make nothing")
    does.add_argument("--list", action="store_true", help="list the sweeps")
    for option, says in (
        ("status", "how far a sweep is"),
        ("resume", "go on with a sweep"),
        ("pause", "stop a sweep for now"),
        ("export", "write what is there of a sweep to --out"),
        ("cancel", "stop a sweep for good; what is finished stays"),
    ):
        does.add_argument(f"--{option}", metavar="ID", help=says)
    parser.add_argument("--out", metavar="DIR|ZIP", help="with --export: the folder, or a file that ends in .zip")
    parser.add_argument(
        "--executor", choices=("local", "dask", "slurm"), help="who carries it out (default: as vitrine.toml says)"
    )
    parser.add_argument(
        "--workers", type=whole_number, metavar="N", help="processes of this machine, for the local executor"
    )
