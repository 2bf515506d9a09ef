"""What the settings say about operating the server, also where their file cannot be used: pages say what is wrong with it."""

from __future__ import annotations

from engine.core import config
from engine.core.errors import VitrineError
from engine.core.settings.limits import Limits
from engine.core.settings.operating import Operating


def operating() -> Operating:
    """The table `[operating]`, or its defaults."""
    try:
        return config.settings().operating
    except VitrineError:
        return Operating()


def limits() -> Limits:
    """The table `[limits]`, or its defaults."""
    try:
        return config.settings().limits
    except VitrineError:
        return Limits()
