"""Which executors the tests of load go through: few, for the time they take; all where one asks for it."""

from __future__ import annotations

import os

from bench.beside import EXECUTORS


def tried(*few: str) -> tuple[str, ...]:
    """These, or all with VITRINE_ALL_EXECUTORS=1 in the environment."""
    return EXECUTORS if os.environ.get("VITRINE_ALL_EXECUTORS") else few
