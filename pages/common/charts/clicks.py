"""What was clicked in a chart, as the plain values that its points carry."""

from __future__ import annotations

from typing import Any


def clicked(event: Any) -> list[Any] | None:
    """What the clicked point of a chart opens; None where no point is selected, or the point opens nothing.

    Values come back as they were sent only if they were sent as lists: plotly packs NumPy arrays, and what is clicked
    would come back as the packing.
    """
    return next(iter(selected(event)), None)


def selected(event: Any) -> list[list[Any]]:
    """What each of the selected points of a chart carries; those that carry nothing are left out."""
    points = event["selection"]["points"] if event else []
    carried = [each for point in points if (each := point.get("customdata")) is not None]
    return [list(each) if isinstance(each, list | tuple) else [each] for each in carried]
