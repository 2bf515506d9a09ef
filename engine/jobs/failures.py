"""What went wrong, in one sentence for a person and, where it is our fault, one traceback for the log.

Invariant: no traceback, path or type name reaches the screen; the error id on the screen finds the log line.
"""

from __future__ import annotations

import logging
import secrets

from engine.core import config
from engine.core.errors import VitrineError, out_of_memory
from engine.core.request import Request

log = logging.getLogger(__name__)


def explain(problem: BaseException, request: Request) -> str:
    """The sentence for the person who asked for `request`; everything else goes to the log."""
    if isinstance(problem, VitrineError):
        log.info("%s was refused: %s", request.experiment, problem)
        return str(problem)
    error_id = secrets.token_hex(3)
    log.error("Error %s in %s", error_id, request.canonical(), exc_info=problem)
    if out_of_memory(problem):
        kept = config.settings().model_memory_bytes.human_readable()
        return (
            f"Not enough memory for this {request.experiment} job. Ask for fewer units at once, or lower "
            f"model_memory_bytes in vitrine.toml (now {kept}), so that fewer models stay loaded (error id {error_id})."
        )
    return f"Something went wrong inside {request.experiment} (error id {error_id}, see the log)."
