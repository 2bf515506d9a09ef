"""API tokens: how a person's scripts and notebooks speak for them."""

from __future__ import annotations

from pages.common import errors, who
from pages.sections.collections import tokens

with errors.shown():
    tokens.draw(who.person())
