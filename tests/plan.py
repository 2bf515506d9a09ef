"""The plan of the house, written down once: which room stands on which. `tests/test_house.py` holds the source against it.

A room is a package with everything inside it: `engine.data` has `engine.data.formats`. It imports rooms of lower levels
only, never one of its own level, also not inside a function. Within a room modules may import each other, without circles.
"""

from __future__ import annotations

LEVELS: tuple[tuple[str, ...], ...] = (
    ("cache",),
    ("engine.core",),
    ("engine.people",),
    ("engine.jobs", "engine.data", "engine.sites", "engine.figures"),
    ("engine.models", "engine.sharing"),
    ("engine.evaluation",),
    ("engine.visualization", "engine.spatial", "engine.reliance"),
    ("engine.concepts", "engine.explanation"),
    ("engine.claims",),
    ("engine.sweeps",),
    ("engine.cli", "pages.common"),
    ("engine.__main__", "pages.sections", "pages.routes"),
    ("pages", "vitrine"),
    ("app",),
)
"""From the ground up. `engine` itself holds nothing but the version and what the command is called, which anybody may read."""

FEWEST, MOST = 5, 15
"""How many modules a package has, so that one can see what is in it; below, those with other limits, and why."""
OTHER_SIZES: dict[str, tuple[int, str]] = {
    "app": (1, "the entry"),
    "engine.cli": (22, "a module for each command or family of them, and what they share"),
    "engine.core": (23, "the ground, which everything stands on and where little goes together"),
    "engine.sharing": (17, "what people keep and hand on: five small subjects over one file"),
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
    "engine/cli/arguments/sweeps.py": ("engine/cli/test_sweep.py", "its options are used there"),
    "engine/core/settings/cluster.py": ("engine/core/test_config.py", "settings are read from a file there"),
    "engine/core/settings/whole.py": ("engine/core/test_config.py", "as above"),
    "engine/core/settings/access.py": ("engine/people/test_identity.py", "what its lists mean is seen there"),
    "engine/core/kept.py": ("engine/core/test_precision.py", "what is kept is first of all the precision"),
    "engine/evaluation/saliency.py": ("engine/models/sources/test_packages.py", "its network comes in a package"),
    "engine/jobs/executors/child.py": ("engine/jobs/executors/test_contract.py", "all executors promise the same"),
    "engine/jobs/executors/dask_worker.py": ("engine/jobs/executors/test_contract.py", "as above"),
    "engine/jobs/executors/sending.py": ("engine/jobs/executors/test_cluster.py", "what is sent is seen there"),
    "engine/jobs/executors/threads.py": ("engine/jobs/executors/test_contract.py", "as above"),
    "engine/models/sources/architectures.py": ("engine/models/sources/test_cards.py", "cards name architectures"),
    "engine/sites/attention_kernel.py": ("engine/sites/test_last_block.py", "what it saves is seen there"),
    "engine/sites/mlp.py": ("engine/sites/test_every_architecture.py", "every property, of every architecture"),
    "engine/sites/transformers.py": ("engine/sites/test_every_architecture.py", "as above"),
    "engine/sweeps/carriers.py": ("engine/sweeps/test_running.py", "sweeps are carried out there"),
    "engine/visualization/activations.py": (
        "engine/visualization/test_text_similarity.py",
        "what it reads is compared",
    ),
    "engine/visualization/progress.py": ("engine/visualization/test_request.py", "the progress of a whole request"),
    "engine/visualization/single.py": ("engine/visualization/test_request.py", "pictures alone and in company agree"),
    "pages/common/who.py": ("pages/routes/test_arrivals.py", "whose word counts is decided there"),
    "engine/sharing/access.py": ("engine/sharing/test_collections.py", "who may do what with one is seen there"),
    "engine/sharing/notices.py": (
        "engine/sharing/test_recording.py",
        "news comes with the line; test_sending sends it",
    ),
    "pages/common/keeping/adding.py": ("pages/sections/collections/test_page.py", "one click there keeps something"),
    "pages/common/experiments/opening.py": (
        "pages/sections/home/test_interrupted.py",
        "what was interrupted is opened",
    ),
    "engine/core/settings/limits.py": ("engine/jobs/test_door.py", "what its numbers do is seen there and elsewhere"),
    "pages/concepts.py": ("pages/sections/concepts/test_page.py", "the page is opened there"),
    "pages/feature_visualization.py": ("pages/sections/visualize/test_page.py", "as above"),
    "pages/photo.py": ("pages/sections/photo/test_page.py", "as above"),
    "pages/spatial.py": ("pages/sections/spatial/test_page.py", "as above"),
    "pages/routes/answers.py": ("pages/routes/test_served.py", "answers are seen where they are given"),
    "pages/sections/home/exhibition.py": ("pages/sections/home/test_gallery.py", "what hangs is seen there"),
    "pages/sections/home/entrances.py": ("pages/sections/home/test_gallery.py", "as above"),
    "pages/sections/home/status.py": ("pages/test_pages.py", "seen beside every page"),
    "pages/common/experiments/form.py": ("pages/common/experiments/test_single.py", "filled in on a page"),
}
"""Modules of weight, with the file below `tests/` that tests them, and why it is not one of their name."""
