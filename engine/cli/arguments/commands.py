"""The parser of the command line: all commands, in the order of their help."""

from __future__ import annotations

from argparse import ArgumentParser

from engine import COMMAND
from engine.cli.arguments.clusters import clusters
from engine.cli.arguments.concepts import concepts
from engine.cli.arguments.measurements import background, frequency, reliance, report, spatial
from engine.cli.arguments.parsers import LateParser, OneLineParser, command, derived
from engine.cli.arguments.pictures import index, visualize
from engine.cli.arguments.stored import kept, stored
from engine.cli.arguments.sweeps import sweep


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
    data = command(
        commands, "data", "listing:data", "how a data set is read: images, classes, and what is known of them"
    )
    data.add_argument("data", metavar="NAME|FOLDER", help="starter, photos, a configured name, or a folder")
    sites = command(commands, "sites", "listing:sites", "list the sites of a model, in order of depth")
    sites.add_argument("model", metavar="MODEL", help="a model's name, like starter-vit")
    visualize(commands)
    index(commands)
    spatial(commands)
    background(commands)
    frequency(commands)
    reliance(commands)
    concepts(commands)
    report(commands)
    sweep(commands)
    clusters(commands)
    derived(commands)
    command(commands, "experiments", "listing:experiments", "all experiments: what each asks and what it applies to")
    doctor = command(
        commands, "doctor", "doctor:doctor", "check device, versions, cache and models; exit code 0 if healthy"
    )
    doctor.add_argument("--deploy", action="store_true", help="also whether this configuration can serve a group")
    stored(commands)
    kept(commands)
    return top
