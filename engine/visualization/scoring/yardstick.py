"""What the numbers of pictures depend on besides the pictures and the images, as it stands in the keys of results."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models import catalog
from engine.visualization.scoring.controls import BLANKS, SCRAMBLES
from engine.visualization.scoring.fresh import FRESH
from engine.visualization.scoring.strongest import COPIES, FINALISTS, MOST

COMMON = f"{FRESH.model_dump_json()} {MOST} {FINALISTS} {COPIES} {len(BLANKS)} {SCRAMBLES}"
"""Of units that have a zero, whose numbers are what they were when this was all."""
FROM_BLANKS = "from blanks"


def yardstick(model: str, site: str, targets: Sequence[str]) -> str:
    """The text for pictures of units and `targets` of a site. Where something is measured from what blanks make of it (see
    `engine.visualization.scoring.controls`), and not from zero, it says so.

    Raises VitrineError as `engine.models.catalog.sites_of`."""
    place = catalog.sites_of(model).get(site)
    return COMMON if place is not None and place.zero and not targets else f"{COMMON} {FROM_BLANKS}"
