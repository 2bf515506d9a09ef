"""How purely units follow concepts, and how abstract their words are, layer by layer."""

from __future__ import annotations


def purity(view, found):
    """Shares of concept units by layer."""


def abstract(view, found):
    """Share of abstract words by layer."""
