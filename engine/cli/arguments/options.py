"""Options that several commands have, and how what is typed for them is read."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

from engine.core import choices
from engine.core.address import parse_selection
from engine.core.config import settings

_SIZE_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


def models_option(parser: ArgumentParser) -> None:
    """The models to compare."""
    parser.add_argument("--models", nargs="+", metavar="M", required=True, help="the models' names")


def data_option(parser: ArgumentParser, purpose: str) -> None:
    """The images, with what they are for."""
    parser.add_argument(
        "--data",
        default=choices.DEFAULT_DATA,
        metavar="NAME|FOLDER",
        help=f"images to {purpose}: starter, photos, a configured name, or a folder (default: %(default)s)",
    )


def limit_option(parser: ArgumentParser, unasked: str = "all") -> None:
    """How many of the images; `unasked`: how many without it, in words."""
    parser.add_argument(
        "--limit",
        type=whole_number,
        default=0,
        metavar="N",
        help=f"measure on a fixed random sample of N images (default: {unasked})",
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
