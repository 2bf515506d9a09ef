"""History: what was made here, by whom and when, found again."""

from __future__ import annotations

from pages.common import errors, serve, who
from pages.sections.collections import past

serve.ready()
with errors.shown():
    past.draw(who.person())
