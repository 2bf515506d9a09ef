"""The plan of the house, written down once: which room stands on which. `tests/test_house.py` holds the source against it.

A room is a package with everything inside it: `engine.data` has `engine.data.formats`. It imports rooms of lower levels
only, never one of its own level, also not inside a function. Within a room modules may import each other, without circles.
"""

from __future__ import annotations

LEVELS: tuple[tuple[str, ...], ...] = (
    ("cache",),
    ("engine.core",),
    ("engine.jobs", "engine.data", "engine.sites"),
    ("engine.models",),
    ("engine.evaluation",),
    ("engine.visualization", "engine.spatial", "engine.reliance"),
    ("engine.concepts",),
    ("engine.cli", "pages.common"),
    ("engine.__main__", "pages.sections"),
    ("pages", "vitrine"),
    ("app",),
)
"""From the ground up. `engine` itself holds nothing but the version and what the command is called, which anybody may read."""

SHARED_SECTIONS: dict[str, set[str]] = {
    "concepts": {"visualize", "spatial"},
    "home": {"visualize"},
    "reliance": {"visualize"},
    "spatial": {"visualize"},
}
"""Page sections that build on another's: units are picked and drawn in one way everywhere. No others, and no circles."""

FEWEST, MOST = 5, 15
"""How many modules a package has, so that one can see what is in it; below, those with other limits, and why."""
OTHER_SIZES: dict[str, tuple[int, str]] = {
    "app": (1, "the entry"),
    "engine.core": (16, "what everything stands on"),
    "pages.common.experiments": (4, "what shows any experiment, whichever page it is on"),
    "engine": (1, "its packages are the rooms; beside them stands only the command line's entry"),
}
