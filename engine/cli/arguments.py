"""The arguments of every command. Imports neither torch nor the experiments, so that help comes at once."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, _SubParsersAction

from engine import COMMAND
from engine.cli.parsers import LateParser, OneLineParser, command, derived
from engine.core import choices
from engine.core.address import parse_selection
from engine.core.config import settings
from engine.visualization.recipes import RECIPES

_SIZE_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


def parser() -> ArgumentParser:
    """The parser of `python -m engine`: each command sets `command`, the function that carries it out."""
    top = OneLineParser(
        prog=COMMAND,
        description="Vitrine on the command line: the same requests as the pages, and the same cache.",
        epilog="Environment: VITRINE_CACHE names the cache folder, VITRINE_CONFIG the settings file."
        + (" `vitrine app` starts the dashboard." if COMMAND == "vitrine" else ""),
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=LateParser)
    command(commands, "models", "listing:models", "list the models")
    sites = command(commands, "sites", "listing:sites", "list the sites of a model, in order of depth")
    sites.add_argument("model", metavar="MODEL", help="a model's name, like starter-vit")
    _visualize(commands)
    _index(commands)
    _spatial(commands)
    _background(commands)
    _frequency(commands)
    _simple(
        commands, "counterfactual", "counterfactual backgrounds: the same objects on different places (starter scenes)"
    )
    _simple(commands, "texture", "accuracy on shuffled patches, and texture against shape")
    _simple(commands, "spectrum", "frequency spectrum of units' input gradients, by layer")
    _simple(commands, "challenge", "the ImageNet-9 Backgrounds Challenge and its BG-Gap")
    _concepts(commands)
    derived(commands)
    command(commands, "experiments", "listing:experiments", "all experiments: what each asks and what it applies to")
    command(commands, "doctor", "doctor:doctor", "check device, versions, cache and models; exit code 0 if healthy")
    _cache(commands)
    return top


def _visualize(commands: _SubParsersAction) -> None:
    example = (
        "example:\n"
        f"  {COMMAND} visualize --model starter-vit --site blocks.6.mlp.hidden --units 0:16 --out pictures\n"
        f"  {COMMAND} visualize starter-vit@blocks.6.mlp.hidden:0-15 --out pictures"
    )
    made = command(
        commands, "visualize", "experiments:visualize", "visualize units by activation maximization", example
    )
    made.add_argument(
        "address", nargs="?", metavar="ADDRESS", help="model@site:units, instead of the next three options"
    )
    made.add_argument("--model", metavar="M", help="the model's name")
    made.add_argument("--site", metavar="S", help="the site, like blocks.6.mlp.hidden")
    made.add_argument(
        "--units",
        type=selection,
        metavar="U",
        help="units: 5, 0-15, 0:16; targets: 120@3x5 (one position), head2, (3-0.5*7), invert:17; or a list of those",
    )
    made.add_argument(
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
        made.add_argument(f"--{option}", action="append", default=[], metavar="N|FILE", help=help_)
    made.add_argument(
        "--text", action="append", default=[], metavar="TEXT", help="also similarity to a text, for a CLIP"
    )
    for option, now in (("match", "invert"), ("says", "text")):  # as these options were called before
        made.add_argument(f"--{option}", action="append", dest=now, help=SUPPRESS)
    made.add_argument(
        "--recipe",
        default=choices.DEFAULT_RECIPE,
        metavar="NAME|FILE",
        help=f"recipe: {', '.join(RECIPES)}, or a .toml or .json file with a recipe's settings (default: %(default)s)",
    )
    made.add_argument("--seed", type=whole_number, default=0, metavar="N", help="random seed (default: 0)")
    made.add_argument("--opposite", action="store_true", help="also pictures that minimize the units")
    made.add_argument("--start", metavar="N|FILE", help="start from an image instead of noise")
    made.add_argument(
        "--importance", action="store_true", help="also a map of the objective's gradient in each picture"
    )
    made.add_argument(
        "--several", type=whole_number, default=1, metavar="N", help="also N pictures optimized to differ, up to 8"
    )
    made.add_argument(
        "--seeds", type=whole_number, default=1, metavar="N", help="compare N seeds, up to 8, and report stability"
    )
    _data(made, "compare the pictures' activations with")
    made.add_argument("--out", metavar="DIR", help="output folder for pictures, numbers.csv and request.json")


def _index(commands: _SubParsersAction) -> None:
    made = command(commands, "index", "experiments:index", "activations of all units of a site on a whole data set")
    made.add_argument("--model", metavar="M", required=True, help="the model's name")
    made.add_argument("--site", metavar="S", required=True, help="the site, like blocks.6.mlp.hidden")
    _data(made, "run through the model")
    made.add_argument(
        "--top",
        type=whole_number,
        default=choices.DEFAULT_TOP_IMAGES,
        metavar="N",
        help="strongest images to keep per unit (default: %(default)s)",
    )


def _spatial(commands: _SubParsersAction) -> None:
    says = "how spatial information is preserved through the layers, and what the last layer does to it"
    made = command(commands, "spatial", "spatial:spatial", says)
    made.add_argument("--model", metavar="M", required=True, help="the model's name")
    _data(made, "measure on")
    made.add_argument("--images", type=whole_number, metavar="N", help="at most N images (default: all)")


def _background(commands: _SubParsersAction) -> None:
    example = f"example:\n  {COMMAND} background --models starter-vit starter-cnn --data starter --json"
    says = "accuracy on objects alone and backgrounds alone: reliance on the background"
    made = command(commands, "background", "background:background", says, example)
    _models(made)
    _data(made, "measure on")
    made.add_argument(
        "--cut",
        choices=("auto", *choices.CUTS),
        default="auto",
        help="how objects are segmented (default: boxes if available, else masks, else saliency)",
    )
    made.add_argument(
        "--fills",
        nargs="+",
        choices=choices.FILLS,
        default=[*choices.DEFAULT_FILLS],
        help="fills for the pixels cut out (default: black)",
    )
    _limit(made)


def _frequency(commands: _SubParsersAction) -> None:
    example = f"example:\n  {COMMAND} frequency --models starter-vit starter-cnn --data starter --json"
    made = command(
        commands,
        "frequency",
        "background:frequency",
        "reliance on spatial frequencies: low-pass, high-pass and band-pass",
        example,
    )
    _models(made)
    _data(made, "measure on")
    made.add_argument(
        "--filter",
        choices=choices.FILTERS,
        default=choices.DEFAULT_FILTER,
        help="filter type (default: %(default)s)",
    )
    made.add_argument(
        "--cutoffs",
        nargs="+",
        type=float,
        metavar="C",
        help="increasing fractions of Nyquist (default: twenty, from 0.02 to 1)",
    )
    _limit(made)


def _concepts(commands: _SubParsersAction) -> None:
    example = (
        "examples:\n"
        f"  {COMMAND} concepts --model starter-vit --text music --json\n"
        f"  {COMMAND} concepts --model starter-clip --site blocks.6.mlp.hidden --name-units --json\n"
        f"  {COMMAND} concepts --purity --models starter-vit starter-clip --json"
    )
    made = command(
        commands, "concepts", "concepts:find", "label units with words, find units by text, measure purity", example
    )
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="T", help="find the units that respond to a word or a sentence")
    for option, runs, does in (
        ("--name-units", "concepts:names", "label all units of a site with words"),
        ("--purity", "purity:purity", "measure how purely units respond to the known tags of the scenes"),
    ):
        what.add_argument(option, dest="command", action="store_const", const=runs, help=does)
    made.add_argument("--model", metavar="M", help="the model whose units are examined")
    made.add_argument("--models", nargs="+", metavar="M", default=[], help="one or more models, for --purity")
    made.add_argument("--site", default="", metavar="S", help="a single site, like blocks.6.mlp.hidden")
    made.add_argument(
        "--role",
        default=choices.DEFAULT_ROLE,
        metavar="R",
        help="otherwise all sites of this role (default: %(default)s)",
    )
    made.add_argument(
        "--reader",
        default=choices.DEFAULT_READER,
        metavar="M",
        help="the CLIP that rates how well words fit images (default: %(default)s)",
    )
    made.add_argument(
        "--vocabulary",
        default=choices.DEFAULT_VOCABULARY,
        metavar="NAME|FILE",
        help="words: starter, a name from vitrine.toml, or a file with one word per line (default: %(default)s)",
    )
    made.add_argument(
        "--template",
        default=choices.DEFAULT_TEMPLATE,
        metavar="T",
        help="prompt template for words (default: %(default)s)",
    )
    made.add_argument(
        "--measure",
        choices=choices.MEASURES,
        default=choices.DEFAULT_MEASURE,
        help="scoring of labels (default: %(default)s)",
    )
    made.add_argument(
        "--top",
        type=whole_number,
        metavar="N",
        help=f"words per unit (default: {choices.DEFAULT_TOP_WORDS}), or units per text ({choices.DEFAULT_TOP_UNITS})",
    )
    _data(made, "compare words and units on")


def _simple(commands: _SubParsersAction, name: str, says: str) -> None:
    made = command(commands, name, f"reliance:{name}", says)
    _models(made)
    _data(made, "measure on")
    _limit(made)


def _models(made: ArgumentParser) -> None:
    made.add_argument("--models", nargs="+", metavar="M", required=True, help="the models' names")


def _limit(made: ArgumentParser) -> None:
    made.add_argument(
        "--limit",
        type=whole_number,
        default=0,
        metavar="N",
        help="measure on a fixed random sample of N images (default: all)",
    )


def _cache(commands: _SubParsersAction) -> None:
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
    import_ = command(actions, "import", "results:import_", "add the results in such a file")
    import_.add_argument("file", metavar="FILE", help="the ZIP file to read")


def _data(made: ArgumentParser, purpose: str) -> None:
    made.add_argument(
        "--data",
        default=choices.DEFAULT_DATA,
        metavar="NAME|FOLDER",
        help=f"images to {purpose}: starter, photos, a configured name, or a folder (default: %(default)s)",
    )


def selection(text: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Units and targets, no more than may be asked for at once. Raises BadRequest."""
    return parse_selection(text, settings().units_limit)


def whole_number(text: str) -> int:
    """A number from 0 on. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ArgumentTypeError(f"“{text[:40]}” is not a whole number of 0 or more")
    return int(text)


def byte_count(text: str) -> int:
    """Bytes from text like `500MB`, `2 GiB` or `1048576`. Raises ArgumentTypeError."""
    number = text.strip().rstrip("BbGgIiKkMm ")
    unit = text.strip()[len(number) :].strip().upper()
    try:
        amount = float(number) * _SIZE_UNITS[unit]
    except (ValueError, KeyError):
        raise ArgumentTypeError(f"“{text[:40]}” is not a size; write 500MB or 2GiB") from None
    if not 0 <= amount < 1 << 62:
        raise ArgumentTypeError(f"“{text[:40]}” is not a size; write 500MB or 2GiB")
    return int(amount)
