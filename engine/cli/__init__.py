"""The command line: reads the arguments, carries one command out, prints what it answers.

Invariants: with `--json`, standard output is one JSON object and nothing else; a request that cannot be carried out
is one line on standard error and exit code 2. Commands are imported when they are used, so help and refusals are fast.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from engine.cli.answer import Answer
from engine.cli.arguments.commands import parser
from engine.core.errors import VitrineError
from engine.core.experiments import import_plugins
from engine.core.request import one_request

DONE, PROBLEMS, BAD_REQUEST, STOPPED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; returns the exit code: 0 done, 1 problems, 2 bad request, 130 stopped."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="vitrine: %(message)s")
    try:
        arguments = parser().parse_args(argv)
        # Whatever a library prints must not end up in the JSON.
        with contextlib.redirect_stdout(sys.stderr):
            answer = carry_out(arguments)
        print(answer.as_json() if arguments.json else answer.text, flush=True)
        return answer.exit_code
    except VitrineError as error:
        return say(str(error), BAD_REQUEST)
    except KeyboardInterrupt:
        return say("Interrupted. Everything that was finished is in the cache.", STOPPED)
    except BrokenPipeError:
        # The reader (`| head`) has gone; the interpreter's own last flush must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if os.environ.get("VITRINE_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}".rstrip(". ")
        return say(f"Something went wrong: {what}. VITRINE_DEBUG=1 shows where.", PROBLEMS)


def carry_out(arguments: Namespace) -> Answer:
    """What the command answers. Raises VitrineError when it cannot be carried out."""
    from engine.data.registry import paths_may_be_typed

    import_plugins()
    module, _, name = arguments.command.partition(":")
    with one_request(), paths_may_be_typed():
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)(arguments)


def say(message: str, exit_code: int) -> int:
    """One line on standard error, whatever line breaks the message has."""
    print("vitrine:", " ".join(message.split()), file=sys.stderr)
    return exit_code
