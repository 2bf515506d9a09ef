"""What `visualize` and `index` take."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from functools import partial

from engine import COMMAND
from engine.cli.arguments.options import data_option, selection, whole_number
from engine.cli.arguments.parsers import LateParser, command
from engine.core import choices
from engine.core.experiments import import_plugins
from engine.visualization.recipes import RECIPES


def visualize(commands: _SubParsersAction) -> None:
    """`visualize`: activation maximization."""
    example = (
        "example:\n"
        f"  {COMMAND} visualize --model starter-vit --site blocks.6.mlp.hidden --units 0:16 --out pictures\n"
        f"  {COMMAND} visualize starter-vit@blocks.6.mlp.hidden:0-15 --out pictures"
    )
    parser = command(
        commands, "visualize", "experiments:visualize", "visualize units by activation maximization", example
    )
    _what_is_visualized(parser)
    _how(parser)
    data_option(parser, "compare the pictures' activations with")
    parser.add_argument("--out", metavar="DIR", help="output folder for pictures, numbers.csv and request.json")


def _what_is_visualized(parser: ArgumentParser) -> None:
    """Units, directions, images and texts."""
    parser.add_argument(
        "address", nargs="?", metavar="ADDRESS", help="model@site:units, instead of the next three options"
    )
    parser.add_argument("--model", metavar="M", help="the model's name")
    parser.add_argument("--site", metavar="S", help="the site, like blocks.6.mlp.hidden")
    parser.add_argument(
        "--units",
        type=selection,
        metavar="U",
        help="units: 5, 0-15, 0:16; targets: 120@3x5 (one position), head2, (3-0.5*7), invert:17; or a list of those",
    )
    parser.add_argument(
        "--direction",
        action="append",
        default=[],
        metavar="FILE[:NAME]",
        help="also a direction in activation space: a vector from a .npy or .safetensors file (NAME: which tensor)",
    )
    for option, help_ in (
        ("invert", "also feature inversion of an image"),
        ("caricature", "also a caricature of an image"),
    ):
        parser.add_argument(f"--{option}", action="append", default=[], metavar="N|FILE", help=help_)
    parser.add_argument(
        "--text", action="append", default=[], metavar="TEXT", help="also similarity to a text, for a CLIP"
    )
    for option, now in (("match", "invert"), ("says", "text")):  # as these options were called before
        parser.add_argument(f"--{option}", action="append", dest=now, help=SUPPRESS)


def _learn_recipes(recipe: Action, _parser: LateParser) -> None:
    """The names of all recipes; those of plugins are known once their modules are imported."""
    import_plugins()
    names = ", ".join(RECIPES)
    recipe.help = f"recipe: {names}, or a .toml or .json file with a recipe's settings (default: %(default)s)"


def _how(parser: LateParser) -> None:
    """The recipe, where it begins, and what is made beside a picture of each unit."""
    recipe = parser.add_argument("--recipe", default=choices.DEFAULT_RECIPE, metavar="NAME|FILE")
    parser.learn = partial(_learn_recipes, recipe)
    parser.add_argument("--seed", type=whole_number, default=0, metavar="N", help="random seed (default: 0)")
    parser.add_argument("--opposite", action="store_true", help="also pictures that minimize the units")
    parser.add_argument("--start", metavar="N|FILE", help="start from an image instead of noise")
    parser.add_argument(
        "--importance", action="store_true", help="also a map of the objective's gradient in each picture"
    )
    parser.add_argument(
        "--several", type=whole_number, default=1, metavar="N", help="also N pictures optimized to differ, up to 8"
    )
    parser.add_argument(
        "--seeds", type=whole_number, default=1, metavar="N", help="compare N seeds, up to 8, and report stability"
    )


def index(commands: _SubParsersAction) -> None:
    """`index`: the activations of a site."""
    parser = command(commands, "index", "experiments:index", "activations of all units of a site on a whole data set")
    parser.add_argument("--model", metavar="M", required=True, help="the model's name")
    parser.add_argument("--site", metavar="S", required=True, help="the site, like blocks.6.mlp.hidden")
    data_option(parser, "run through the model")
    parser.add_argument(
        "--top",
        type=whole_number,
        default=choices.DEFAULT_TOP_IMAGES,
        metavar="N",
        help="strongest images to keep per unit (default: %(default)s)",
    )
