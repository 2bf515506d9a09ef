"""What hangs on the home page: a few units at four depths of two real networks and of the two starter networks.

The pictures come with Vitrine (`starter/results`), with a list of where the store has them: home neither computes nor waits for
anything, and shows them also where the networks themselves are not installed. Knows no torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.core.address import Address
from engine.core.choices import PHOTOS, STARTER
from engine.core.errors import VitrineError
from engine.core.paths import SHIPPED
from pages.common.colours import Side

LIST = SHIPPED.with_name("home.json")
"""Where the store has each layer's pictures, and what was found of the paper's claims; `starter.make.results` writes it."""


@dataclass(frozen=True)
class Exhibit:
    """A model of the gallery: whose colour it wears, what its scenes are, what it is in one line, and its layers from the input
    to the output."""

    model: str
    side: Side
    data: str
    about: str
    layers: tuple[str, ...]

    @property
    def addresses(self) -> tuple[tuple[Address, ...], ...]:
        """The units that are shown, layer by layer: each an address of its own, as its page asks for it alone."""
        each = (Address.parse(f"{self.model}@{layer}") for layer in self.layers)
        return tuple(tuple(Address(self.model, of.site, (unit,)) for unit in of.units) for of in each)


EXHIBITS = (
    Exhibit(
        "dinov2-s14-saliency",
        "a",
        PHOTOS,
        "DINOv2 ViT-S/14, a vision transformer that learned from 142 million photos without labels, tuned to find objects",
        (
            "blocks.2.mlp.hidden:267,345",
            "blocks.5.mlp.hidden:1003,1052",
            "blocks.8.mlp.hidden:624,811",
            "blocks.11.mlp.hidden:119,874",
        ),
    ),
    Exhibit(
        "efficientnet-lite0",
        "b",
        PHOTOS,
        "EfficientNet-Lite0, a convolutional network that learned ImageNet's 1,000 classes",
        ("stages.2.blocks.0:1,23", "stages.3.blocks.2:12,25", "stages.5.blocks.0:1,104", "stages.6.blocks.0:87,219"),
    ),
    Exhibit(
        "starter-vit",
        "a",
        STARTER,
        "A small vision transformer that comes with Vitrine, trained on its scenes",
        (
            "blocks.1.mlp.hidden:426,641",
            "blocks.3.mlp.hidden:311,711",
            "blocks.5.mlp.hidden:434,707",
            "blocks.7.mlp.hidden:385,490",
        ),
    ),
    Exhibit(
        "starter-cnn",
        "b",
        STARTER,
        "A convolutional network of the same size, trained on the same scenes",
        ("stages.0.blocks.1:24,28", "stages.1.blocks.1:6,10", "stages.2.blocks.1:5,93", "stages.3.blocks.1:137,162"),
    ),
)
"""Real networks first."""
ABOUT = (
    "See what vision models learn. Each picture was optimized from noise to activate one unit as strongly as possible, from the "
    "first layers (left) to the last (right). Below it: the unit, and how many times as much the picture activates it as "
    "its strongest image does. Click one to see the unit and its images."
)
CHOSEN = (
    "Two units of each layer, chosen by hand among its most selective ones whose pictures are above every control: not what a "
    "layer's units look like on average."
)


@dataclass(frozen=True)
class Shipped:
    """What the list says: the stored key of each address's pictures, and of each claim of the paper its name, its title and the
    verdict on it."""

    places: dict[str, str]
    verdicts: tuple[tuple[str, str, str], ...]


@cache
def shipped() -> Shipped:
    """The list that comes with Vitrine; empty where none does."""
    try:
        found: Any = json.loads(LIST.read_text(encoding="utf-8"))
        verdicts = tuple((str(name), str(title), str(verdict)) for name, title, verdict in found["verdicts"])
        return Shipped({str(Address.parse(address)): str(key) for address, key in found["pictures"].items()}, verdicts)
    except (OSError, ValueError, AttributeError, KeyError, TypeError, VitrineError):
        return Shipped({}, ())
