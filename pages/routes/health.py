"""`/api/health`: the process is alive. `/api/ready`: pages can be drawn and results kept."""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from engine.core import config
from engine.core.errors import VitrineError
from pages.common import serve
from pages.routes import answers, ending


async def health(request: Request) -> JSONResponse:
    """Alive: whoever asks gets an answer, also while the engine is loading."""
    return answers.told({"status": "alive"})


def ready(request: Request) -> JSONResponse:
    """Ready, or 503 with what is missing."""
    missing = why_not()
    return (
        answers.told({"status": "not ready", "missing": missing}, 503) if missing else answers.told({"status": "ready"})
    )


def why_not() -> list[str]:
    """What keeps this server from serving people, a sentence each; no paths, since strangers may ask."""
    missing = ["The server is about to stop."] if ending.ENDING.is_set() else []
    if not serve.is_ready():
        missing.append("The engine is loading.")
    elif serve.warm_up().error is not None:
        missing.append("The engine could not be loaded; the server's log says why.")
    try:
        store = config.store()
        if not (store.writable and os.access(store.folder, os.W_OK)):
            missing.append("Results cannot be stored: the cache folder is missing, full or read-only.")
    except VitrineError:
        missing.append("The settings file cannot be used; the server's log says why.")
    return missing


ROUTES = [Route("/api/health", health), Route("/api/ready", ready)]
