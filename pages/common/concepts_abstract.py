"""Do the words that units get become more abstract with depth, and more so with language supervision?"""

from __future__ import annotations


def draw(view, found):
    """By layer."""
