"""What people may choose, each fact once: enumerations, defaults and limits that pages, command line and engine share.

Imports nothing but the standard library, so that help and refusals come at once. The recipes themselves stand in
`engine.visualization.recipes`; here are their names, and which of them is the usual one.
"""

from __future__ import annotations

from typing import Literal, get_args

STARTER = "starter"
"""The name of the data set and of the vocabulary that come with Vitrine."""
PHOTOS = "photos"
"""The name of the photos that come with a model's package."""
STARTER_MODELS = ("starter-vit", "starter-cnn", "starter-clip")
DEFAULT_DATA = STARTER
DEFAULT_VOCABULARY = STARTER
DEFAULT_MODELS = ("starter-vit", "starter-cnn")
"""What pages begin with: two models that differ in their architecture alone."""
PHOTO_MODELS = ("dinov2-s14-saliency", "efficientnet-lite0")
"""What a person's own photo is shown in at first, where both are here: two networks that were trained on photos."""

# Pictures

FAST, FOURIER, MACO, RECONSTRUCT = "fast", "fourier", "maco", "reconstruct"
PAPER, PAPER_CODE, PAPER_SCALED = "paper", "paper-code", "paper-scaled"
PAPER_V30, PAPER_CODE_V30 = "paper-v30", "paper-code-v30"
DEFAULT_RECIPE = FAST
COMPARED_RECIPES = (FAST, FOURIER, PAPER_SCALED, PAPER, PAPER_CODE)
"""The recipes that a comparison shows: `maco` takes some 30 times as long as `fast`, `reconstruct` is for inversion, and those
with v = 30 are for CLIPs."""
MAX_UNITS = 1024
"""Units and targets of one request; settings may allow fewer."""
MAX_SEED = 2**31 - 1
MAX_VARIANTS = 8
"""Different pictures of one unit."""
MAX_SEEDS = 8
"""Seeds that one request compares."""

# What people take and give

LARGEST_FILE = 200 << 20
"""Bytes of results that one file brings to a browser: the server holds all of it in memory."""

UPLOADS = {"images": "up-", "vectors": "dir-", "words": "voc-", "checkpoints": "uploaded/"}
"""How requests refer to an upload of each kind: this, and its digest."""

# Layers

DEFAULT_ROLE = "mlp.hidden"
USUAL_ROLES = (DEFAULT_ROLE, "stage.block")
"""Where units are looked at unless somebody says otherwise: a transformer's MLPs, the ends of a CNN's blocks."""
EMBEDDING = "head.embedding"
"""Where a CLIP has its embedding of the image, which a text is compared with."""
DEFAULT_TOP_IMAGES = 20
DEFAULT_PHOTO_LAYERS, MAX_PHOTO_LAYERS = 6, 24
"""Layers that a photo is followed through."""
"""Images that an index keeps of each unit."""
SWEPT = ("visualize", "index", "name-units", "unit-cues")
"""What is made of many layers, by the names of the experiments; the first unless somebody says otherwise. Any other that is
about one layer can be swept too."""

# Words

Measure = Literal["soft-wpmi", "correlation", "cos-cubed"]
"""How alike a unit and a word are over the images (see `engine.concepts.matching`)."""
MEASURES: tuple[Measure, ...] = get_args(Measure)
DEFAULT_MEASURE: Measure = "soft-wpmi"
DEFAULT_READER = "starter-clip"
DEFAULT_TEMPLATE = "a photo of a {}"
DEFAULT_TOP_WORDS = 5
"""Words of a unit."""
DEFAULT_TOP_UNITS = 24
"""Units by text."""
MAX_TEXT = 300
"""Characters of a text that a CLIP reads."""

# Objects and backgrounds

Cut = Literal["box", "mask", "saliency"]
"""By what an object is cut out."""
CUTS: tuple[Cut, ...] = get_args(Cut)
Fill = Literal["black", "mean", "blur", "noise", "tile"]
"""What takes the place of what was cut out (see `engine.data.cutting`)."""
FILLS: tuple[Fill, ...] = get_args(Fill)
DEFAULT_FILLS: tuple[Fill, ...] = ("black",)
Filter = Literal["ideal", "gaussian"]
"""The edge of a filter of frequencies (see `engine.reliance.filters`)."""
FILTERS: tuple[Filter, ...] = get_args(Filter)
DEFAULT_FILTER: Filter = "ideal"
COMPARED_IMAGES = 600
"""Images on which models are compared unless somebody says otherwise."""
NYQUIST_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Where a chart's axis of frequencies has numbers."""
