"""What `concepts` takes."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction

from engine import COMMAND
from engine.cli.arguments.options import data_option, whole_number
from engine.cli.arguments.parsers import command
from engine.core import choices


def concepts(commands: _SubParsersAction) -> None:
    """`concepts`: one of its three questions, the units and the words."""
    example = (
        "examples:\n"
        f"  {COMMAND} concepts --model starter-vit --text music --json\n"
        f"  {COMMAND} concepts --model starter-clip --site blocks.6.mlp.hidden --name-units --json\n"
        f"  {COMMAND} concepts --purity --models starter-vit starter-clip --json"
    )
    parser = command(
        commands, "concepts", "concepts:find", "label units with words, find units by text, measure purity", example
    )
    _question(parser)
    _units(parser)
    _words(parser)
    data_option(parser, "compare words and units on")


def _question(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="T", help="find the units that respond to a word or a sentence")
    for option, runs, does in (
        ("--name-units", "concepts:names", "label all units of a site with words"),
        ("--purity", "purity:purity", "measure how purely units respond to the known tags of the scenes"),
    ):
        what.add_argument(option, dest="command", action="store_const", const=runs, help=does)


def _units(parser: ArgumentParser) -> None:
    parser.add_argument("--model", metavar="M", help="the model whose units are examined")
    parser.add_argument("--models", nargs="+", metavar="M", default=[], help="one or more models, for --purity")
    parser.add_argument("--site", default="", metavar="S", help="a single site, like blocks.6.mlp.hidden")
    parser.add_argument(
        "--role",
        default=choices.DEFAULT_ROLE,
        metavar="R",
        help="otherwise all sites of this role (default: %(default)s)",
    )


def _words(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--reader",
        default=choices.DEFAULT_READER,
        metavar="M",
        help="the CLIP that rates how well words fit images (default: %(default)s)",
    )
    parser.add_argument(
        "--vocabulary",
        default=choices.DEFAULT_VOCABULARY,
        metavar="NAME|FILE",
        help="words: starter, a name from vitrine.toml, or a file with one word per line (default: %(default)s)",
    )
    parser.add_argument(
        "--template",
        default=choices.DEFAULT_TEMPLATE,
        metavar="T",
        help="prompt template for words (default: %(default)s)",
    )
    parser.add_argument(
        "--measure",
        choices=choices.MEASURES,
        default=choices.DEFAULT_MEASURE,
        help="scoring of labels (default: %(default)s)",
    )
    parser.add_argument(
        "--top",
        type=whole_number,
        metavar="N",
        help=f"words per unit (default: {choices.DEFAULT_TOP_WORDS}), or units per text at most ({choices.DEFAULT_TOP_UNITS}): "
        "all that follow the text most, then four of each word that units follow more",
    )
