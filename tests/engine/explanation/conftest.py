"""The planted world of colours, for every test here."""

from tests.engine.explanation.planted import world

__all__ = ["world"]
