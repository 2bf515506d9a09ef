"""What the measurements take: `spatial`, and those of what models rely on."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction

from engine import COMMAND
from engine.cli.arguments.options import data_option, limit_option, models_option, whole_number
from engine.cli.arguments.parsers import command
from engine.core import choices


def spatial(commands: _SubParsersAction) -> None:
    """`spatial`: what the layers keep of where things are."""
    says = "how spatial information is preserved through the layers, and what the last layer does to it"
    parser = command(commands, "spatial", "spatial:spatial", says)
    parser.add_argument("--model", metavar="M", required=True, help="the model's name")
    data_option(parser, "measure on")
    parser.add_argument("--images", type=whole_number, metavar="N", help="at most N images (default: all)")


def background(commands: _SubParsersAction) -> None:
    """`background`: objects alone and backgrounds alone."""
    example = f"example:\n  {COMMAND} background --models starter-vit starter-cnn --data starter --json"
    says = "accuracy on objects alone and backgrounds alone: reliance on the background"
    parser = command(commands, "background", "background:background", says, example)
    _on_images(parser)
    parser.add_argument(
        "--cut",
        choices=("auto", *choices.CUTS),
        default="auto",
        help="how objects are segmented (default: boxes if available, else masks, else saliency)",
    )
    parser.add_argument(
        "--fills",
        nargs="+",
        choices=choices.FILLS,
        default=[*choices.DEFAULT_FILLS],
        help="fills for the pixels cut out (default: black)",
    )
    limit_option(parser)


def frequency(commands: _SubParsersAction) -> None:
    """`frequency`: filtered images."""
    example = f"example:\n  {COMMAND} frequency --models starter-vit starter-cnn --data starter --json"
    parser = command(
        commands,
        "frequency",
        "background:frequency",
        "reliance on spatial frequencies: low-pass, high-pass and band-pass",
        example,
    )
    _on_images(parser)
    parser.add_argument(
        "--filter",
        choices=choices.FILTERS,
        default=choices.DEFAULT_FILTER,
        help="filter type (default: %(default)s)",
    )
    parser.add_argument(
        "--cutoffs",
        nargs="+",
        type=float,
        metavar="C",
        help="increasing fractions of Nyquist (default: twenty, from 0.02 to 1)",
    )
    limit_option(parser)


def reliance(commands: _SubParsersAction) -> None:
    """`counterfactual`, `texture`, `spectrum` and `challenge`, which differ in nothing that is asked for."""
    for name, says in (
        ("counterfactual", "counterfactual backgrounds: the same objects on different places (starter scenes)"),
        ("texture", "accuracy on shuffled patches, and texture against shape"),
        ("spectrum", "frequency spectrum of units' input gradients, by layer"),
        ("challenge", "the ImageNet-9 Backgrounds Challenge and its BG-Gap"),
    ):
        parser = command(commands, name, f"reliance:{name}", says)
        _on_images(parser)
        limit_option(parser, "96" if name == "spectrum" else "all")


def report(commands: _SubParsersAction) -> None:
    """`report`: the paper's claims about two models, in one file."""
    example = f"example:\n  {COMMAND} report --models starter-vit starter-cnn --out report.html"
    says = "the paper's claims about a ViT and a CNN, one by one, as one HTML file; computes what is missing"
    parser = command(commands, "report", "report:report", says, example)
    models_option(parser)
    parser.add_argument(
        "--clip",
        metavar="M",
        help="a CLIP, for what language supervision adds (default: the one that goes with the models)",
    )
    parser.add_argument(
        "--data", metavar="NAME|FOLDER", help="images to measure on (default: those that go with the models)"
    )
    parser.add_argument("--out", metavar="FILE", default="report.html", help="the file to write (default: %(default)s)")


def _on_images(parser: ArgumentParser) -> None:
    """The models, and the images that they are measured on."""
    models_option(parser)
    data_option(parser, "measure on")
