"""Parsers: commands that refuse in one line, and those that learn their options only when they are used.

Imports neither torch nor the experiments.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from engine.core.errors import BadRequest
from engine.core.experiments import experiments

WRITTEN = {
    *("spatial-layers", "spatial-last", "spatial-moves"),  # spatial
    *("name-units", "find-units", "purity"),  # concepts
    "gradient-spectrum",  # spectrum
}
"""Experiments that commands of other names carry out."""


class OneLineParser(ArgumentParser):
    """Refuses with one line instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise BadRequest(f"{message} (see {self.prog} --help).")


class LateParser(OneLineParser):
    """Learns its options when they are asked for: those of an experiment need its module, which may take seconds."""

    learn: Callable[[LateParser], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # type: ignore[override]
        learn, self.learn = self.learn, None
        if learn is not None:
            learn(self)
        return super().parse_known_args(args, namespace)


def command(commands: _SubParsersAction, name: str, runs: str, says: str, epilog: str = "") -> LateParser:
    """A command with this name: `runs` is the function that carries it out, `says` its one line of help."""
    parser = commands.add_parser(
        name,
        help=says,
        description=f"{says[0].upper()}{says[1:]}.",
        epilog=epilog,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.set_defaults(command=runs)
    return parser


def derived(commands: _SubParsersAction) -> None:
    """A command for each experiment that the commands so far do not carry out."""
    for entry in experiments().values():
        if entry.name in WRITTEN or entry.name in commands.choices:
            continue
        about = f"{entry.about[0].lower()}{entry.about[1:].removesuffix('.')}"
        parser = command(commands, entry.name, "derived:carry_out", about)
        parser.set_defaults(experiment=entry.name)
        parser.learn = partial(_learn, name=entry.name)


def _learn(parser: LateParser, name: str) -> None:
    from engine.cli.derived import add_options

    add_options(parser, name)
