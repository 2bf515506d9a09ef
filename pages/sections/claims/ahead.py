"""What the claims page opens on, made before anybody opens it."""

from __future__ import annotations

from contextlib import suppress

from engine.core.errors import VitrineError


def look_ahead() -> None:
    """Read what comes with Vitrine of each pair, and have its verdicts and charts ready; a pair whose models are not here is
    left out."""
    from pages.sections.claims import cards
    from pages.sections.claims.view import pairs

    for view in pairs().values():
        with suppress(VitrineError):
            cards.look_ahead(view.subject)
