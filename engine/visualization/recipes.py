"""The recipes that have a name, each with its source; and the place where one more is added.

    register_recipe(PAPER.model_copy(update={"name": "paper-long", "summary": "…", "source": "…", "steps": 800}))

From then on requests, the command line and the page know it by its name.
"""

from __future__ import annotations

import re
from typing import Any

from engine.core import choices
from engine.core.errors import BadRequest
from engine.visualization.recipe import Finish, Recipe, View

_CODE = "hamidkazemi22/vit-visualization, a36922a"
_CLIPS = "Learning rate 1.0 on a CLIP: it11, it17 of the same code."
PAPER = Recipe(
    name=choices.PAPER,
    summary="The paper's text: normal noise on every pixel at every step, colours scaled and then shifted, a jitter for each "
    "copy; the authors' code where the text is silent.",
    source=f"Ghiasi, Kazemi et al. 2022, section 3; steps, copies, rates, total variation and jitter: {_CODE}. {_CLIPS}",
    parameterization="pixels",
    steps=400,
    copies=8,
    rate=0.1,
    clip_rate=1.0,
    betas=(0.5, 0.99),
    total_variation=0.004,
    colour_shift="scale-then-shift",
    noise="pixel",
    noise_start=1.0,
    noise_end=1.0,
    jitter=32,
    jitter_shared=False,
)
PAPER_CODE = PAPER.model_copy(
    update={
        "name": choices.PAPER_CODE,
        "summary": "What the authors' code does: colours shifted and then scaled, one noise value for each channel that fades "
        "out, one jitter for all copies.",
        "source": f"{_CODE}. {_CLIPS}",
        "colour_shift": "shift-then-scale",
        "noise": "channel",
        "noise_start": 0.5,
        "noise_end": 0.0,
        "jitter_shared": True,
    }
)


def _smoother(recipe: Recipe, name: str) -> Recipe:
    """v = 30, the other weight of total variation that the authors made CLIP's pictures with, choosing by eye for each."""
    summary = f"`{recipe.name}` with 30 times its smoothing: the other setting that the authors used for CLIPs."
    return recipe.model_copy(
        update={"name": name, "summary": summary, "total_variation": 30 * recipe.total_variation}
        | {"source": f"{recipe.source} v = 30 beside v = 1: it17."}
    )


PAPER_V30 = _smoother(PAPER, choices.PAPER_V30)
PAPER_CODE_V30 = _smoother(PAPER_CODE, choices.PAPER_CODE_V30)
PAPER_SCALED = PAPER_CODE.model_copy(
    update={
        "name": choices.PAPER_SCALED,
        "summary": "`paper-code` for inputs of any size: the jitter of its 384 pixels is scaled with the side, its smoothing "
        "stays.",
        "source": f"{_CODE}; scaled by us, since 32 pixels of jitter are a third of an input of 96.",
        "made_for": 384,
    }
)
# Waves alone hardly reach the high frequencies that units of a CNN's first half want; pixels alone, from noise, give class
# pictures that the other model recognises less often, and so does a finish as strong as that of other units.
_FINISH = Finish(after=0.125, rate=0.12, total_variation=0.001)
_FINISH_WHOLE = Finish(after=0.5, rate=0.1, total_variation=0.01)
FAST = Recipe(
    name=choices.FAST,
    summary="Ours: Fourier with decorrelated colours, then pixels; a twelfth of the paper's passes through the network.",
    source="Fourier parameterization and colour decorrelation after Olah et al. 2017; the leak after the redirected "
    "gradients of Lucid; the rest measured on the starter models (bench/recipes.py).",
    parameterization="fourier",
    steps=128,
    copies=2,
    rate=0.2,
    betas=(0.5, 0.99),
    total_variation=0.01,
    finish=_FINISH,
    finish_whole=_FINISH_WHOLE,
    # A fixed weight flattens the pictures of units whose activations are small: half of those in the first blocks.
    total_variation_relative=True,
    colour_shift="scale-then-shift",
    colour_range=0.2,
    noise="none",
    jitter=32,
    jitter_shared=False,
    leak=0.15,  # more than the steepest descent of GELU, 0.129: its slope is positive everywhere
)
_VIEW_ALONE: dict[str, Any] = {
    "betas": (0.9, 0.999),
    "total_variation": 0.0,
    "colour_shift": "none",
    "noise": "none",
    "jitter": 0,
    "jitter_shared": False,
    "schedule": "constant",
}
"""What recipes set whose copies differ in their window onto the picture alone."""
FOURIER = Recipe(
    name=choices.FOURIER,
    summary="Fourier with decorrelated colours under small shifts, zooms and rotations: 512 steps, as in Lucid.",
    source="Olah, Mordvintsev and Schubert 2017; settings of Lucid's render (512 steps of Adam at 0.05; grey margin of 12, "
    "jitter of 8 and 4, zoom of 10%, turns of 10 degrees on 128 pixels), here on the model's own input size.",
    parameterization="fourier",
    steps=512,
    copies=1,
    rate=0.05,
    **_VIEW_ALONE,
    # 12 pixels of margin on each side less 8 and 4 that the jitters cut off, on 128; the jitters move by half of that.
    view=View(side=(140 / 128, 140 / 128), zoom=0.1, shift=6 / 128, turn=10.0),
)
MACO = Recipe(
    name=choices.MACO,
    summary="Only Fourier phases are optimized, magnitudes stay those of real images; 32 crops per step, 256 steps: slow.",
    source="Fel et al. 2023 (MACO); settings of the authors' library (xplique 2.0: NAdam at 1.0, 32 windows of 50% down to 5% "
    "of a picture of 512 pixels for an input of 224). Sizes of the waves: measured on the starter's scenes (bench/spectrum.py).",
    parameterization="maco",
    steps=256,
    copies=32,
    rate=1.0,
    **_VIEW_ALONE,
    optimizer="nadam",
    canvas=512 / 224,
    view=View(side=(0.5, 0.05), side_spread=0.05, centre_spread=0.15, noise=0.08),
)
RECONSTRUCT = PAPER.model_copy(
    update={
        "name": choices.RECONSTRUCT,
        "summary": "For feature inversion (`invert:` targets): pixels, no augmentation, strong smoothing.",
        "source": "hamidkazemi22/vit-visualization, it16/reconstruct.py; not in the paper's text.",
        "copies": 1,
        "clip_rate": 0.0,
        "total_variation": 1.0,
        "colour_shift": "none",
        "noise": "none",
        "noise_start": 0.0,
        "noise_end": 0.0,
        "jitter": 0,
    }
)
_ALL = (FAST, PAPER, PAPER_CODE, PAPER_SCALED, PAPER_V30, PAPER_CODE_V30, FOURIER, MACO, RECONSTRUCT)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def _fast_but(name: str, summary: str, **changed: Any) -> Recipe:
    source = "`fast` with one of its parts taken away, to see what the part does."
    return FAST.model_copy(update={"name": name, "summary": summary, "source": source, **changed})


# For the page that compares: not offered among the recipes, but requests may name them.
_OFF: dict[str, dict[str, Any]] = {
    "jitter": {"jitter": 0},
    "colour": {"colour_shift": "none"},
    "smoothing": {
        "total_variation": 0.0,
        "finish": _FINISH.model_copy(update={"total_variation": 0.0}),
        "finish_whole": _FINISH_WHOLE.model_copy(update={"total_variation": 0.0}),
    },
    "leak": {"leak": 0.0},
    "waves": {"parameterization": "pixels"},
    "finish": {"finish": None, "finish_whole": None},
}
ABLATIONS: dict[str, Recipe] = {
    name: _fast_but(name, summary, **changed)
    for name, summary, changed in (
        ("fast-no-jitter", "`fast` without jitter.", _OFF["jitter"]),
        ("fast-no-colour", "`fast` without colour shifts.", _OFF["colour"]),
        ("fast-no-smoothing", "`fast` without total variation.", _OFF["smoothing"]),
        ("fast-no-leak", "`fast` without the leak.", _OFF["leak"]),
        ("fast-no-waves", "`fast` on pixels from the first step.", _OFF["waves"]),
        ("fast-no-finish", "`fast` on waves to the last step.", _OFF["finish"]),
        ("fast-bare", "`fast` without jitter, colour shifts, total variation and leak.", _OFF["jitter"] | _OFF["colour"]
         | _OFF["smoothing"] | _OFF["leak"]),
    )
}  # fmt: skip

WORDS_IN_KEYS = {
    "reconstruct": {"summary": "For `match:` targets: pixels, no augmentation, strong smoothing."},
    "fast": {
        "summary": "Ours: begun with decorrelated waves, finished with pixels, in a twelfth of the paper's passes through the "
        "network."
    },
    "fourier": {
        "summary": "Waves with decorrelated colours under small shifts, zooms and turns: 512 steps, as in Lucid."
    },
    "maco": {
        "summary": "Only the phases of waves move, their sizes stay those of real images; 32 windows a step, 256 steps: slow."
    },
}
"""Keys hold a recipe's words, too: these are the words of named recipes whose wording has changed since."""

SMOOTHED_ALIKE = "total variation at any size"
"""Keys say so of recipes that are made for a size: their pictures were once smoothed less on smaller inputs."""


def fingerprint(recipe: Recipe) -> str:
    """The recipe as it stands in the keys of results."""
    told = recipe.model_copy(update=WORDS_IN_KEYS.get(recipe.name, {})).model_dump_json()
    return f"{told} {SMOOTHED_ALIKE}" if recipe.made_for and recipe.total_variation else told


_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def register_recipe(recipe: Recipe) -> Recipe:
    """Make a recipe known by its name, after those that are there. Registering the same one again changes nothing.

    Raises ValueError for a name that is taken by other settings or is not short, lower-case words with dashes, and for
    settings outside their limits.
    """
    if not _NAME.fullmatch(recipe.name):
        raise ValueError(f"“{recipe.name[:40]}” cannot be a recipe's name: write a-z, digits and dashes, at most 40.")
    recipe = Recipe.model_validate(recipe.model_dump())  # a changed copy was not checked yet
    known = RECIPES.get(recipe.name) or ABLATIONS.get(recipe.name)
    if known is not None and known != recipe:
        raise ValueError(f"There is a recipe “{recipe.name}” with other settings already.")
    if known is None:
        RECIPES[recipe.name] = recipe
    return recipe


def recipe_named(name: str) -> Recipe:
    """The recipe of that name, ablations included. Raises BadRequest, with the recipes there are, for any other."""
    if name in ABLATIONS:
        return ABLATIONS[name]
    if name not in RECIPES:
        raise BadRequest(f"There is no recipe “{name[:40]}”. Choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]
