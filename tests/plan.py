"""The plan of the house, written down once: which room stands on which. `tests/test_house.py` holds the source against it.

A room is a package with everything inside it: `engine.data` has `engine.data.formats`. It imports rooms of lower levels
only, never one of its own level, also not inside a function. Within a room modules may import each other, without circles.
"""

from __future__ import annotations

LEVELS: tuple[tuple[str, ...], ...] = (
    ("cache",),
    ("engine.core",),
    ("engine.jobs", "engine.data", "engine.sites", "engine.figures"),
    ("engine.models",),
    ("engine.evaluation",),
    ("engine.visualization", "engine.spatial", "engine.reliance"),
    ("engine.concepts", "engine.explanation"),
    ("engine.cli", "pages.common"),
    ("engine.__main__", "pages.sections"),
    ("pages", "vitrine"),
    ("app",),
)
"""From the ground up. `engine` itself holds nothing but the version and what the command is called, which anybody may read."""

FEWEST, MOST = 5, 15
"""How many modules a package has, so that one can see what is in it; below, those with other limits, and why."""
OTHER_SIZES: dict[str, tuple[int, str]] = {
    "app": (1, "the entry"),
    "pages.common.experiments": (4, "what shows any experiment, whichever page it is on"),
    "engine.core": (17, "the ground, which everything stands on and where little goes together"),
    "engine": (1, "its packages are the rooms; beside them stands only the command line's entry"),
}

WEIGHT = 50
"""A module of so many lines has a test file of its name at the mirrored place under `tests/`, but for those below."""
SEEN_ON_ITS_PAGE = "test_page.py"
"""What is drawn is tested where it is seen: the sections of a page by this file at the mirrored place, which opens the page."""
TESTED_ELSEWHERE: dict[str, tuple[str, str]] = {
    "cache/process.py": ("cache/test_survival.py", "a mark counts when its process is killed"),
    "engine/cli/arguments/concepts.py": (
        "engine/cli/arguments/test_commands.py",
        "options are read by the whole parser",
    ),
    "engine/cli/arguments/measurements.py": ("engine/cli/arguments/test_commands.py", "as above"),
    "engine/cli/arguments/pictures.py": ("engine/cli/arguments/test_commands.py", "as above"),
    "engine/core/kept.py": ("engine/core/test_precision.py", "what is kept is first of all the precision"),
    "engine/evaluation/saliency.py": ("engine/models/sources/test_packages.py", "its network comes in a package"),
    "engine/models/sources/architectures.py": ("engine/models/sources/test_cards.py", "cards name architectures"),
    "engine/sites/attention_kernel.py": ("engine/sites/test_last_block.py", "what it saves is seen there"),
    "engine/sites/mlp.py": ("engine/sites/test_every_architecture.py", "every property, of every architecture"),
    "engine/sites/transformers.py": ("engine/sites/test_every_architecture.py", "as above"),
    "engine/visualization/activations.py": (
        "engine/visualization/test_text_similarity.py",
        "what it reads is compared",
    ),
    "engine/visualization/progress.py": ("engine/visualization/test_request.py", "the progress of a whole request"),
    "engine/visualization/single.py": ("engine/visualization/test_request.py", "pictures alone and in company agree"),
    "pages/background.py": ("pages/sections/reliance/test_page.py", "the page is opened there"),
    "pages/concepts.py": ("pages/sections/concepts/test_page.py", "as above"),
    "pages/feature_visualization.py": ("pages/sections/visualize/test_page.py", "as above"),
    "pages/home.py": ("pages/test_pages.py", "every page is opened there"),
    "pages/sections/home/exhibition.py": ("pages/test_pages.py", "seen on the home page"),
    "pages/sections/home/gallery.py": ("pages/sections/home/test_interrupted.py", "what it goes on with by itself"),
    "pages/sections/home/model_table.py": ("pages/test_pages.py", "seen on the page of models"),
    "pages/sections/home/status.py": ("pages/test_pages.py", "seen beside every page"),
    "pages/common/job_panel.py": ("pages/common/test_experiment_page.py", "seen while a page computes"),
    "pages/common/experiments/form.py": ("pages/common/experiments/test_single.py", "filled in on a page"),
}
"""Modules of weight, with the file below `tests/` that tests them, and why it is not one of their name."""
