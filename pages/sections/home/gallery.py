"""The home page's gallery: four units at each of four depths of a model, computed once in the background, then kept.

Invariant: the gallery gives way. When a person asks for something, its jobs are taken back, and go on afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.address import Address
from engine.core.choices import PHOTOS, STARTER, USUAL_ROLES
from engine.core.request import Request
from engine.models.catalog import sites_of
from pages.common.batch import OWNER, Batch
from pages.common.colours import Side
from pages.common.units.rows import Row, index_request, request
from pages.common.units.view import View

UNITS = (0, 1, 2, 3)
DEPTHS = 4


@dataclass(frozen=True)
class Exhibit:
    """A model of the gallery: which side's colour it wears, what its scenes are, and what it is in one line."""

    model: str
    side: Side
    data: str
    about: str


EXHIBITS = (
    Exhibit("starter-vit", "a", STARTER, "A small vision transformer, trained on the starter's scenes"),
    Exhibit("starter-cnn", "b", STARTER, "A convolutional network of the same size, trained on the same scenes"),
)
REAL = (
    Exhibit("dinov2-s14-saliency", "a", PHOTOS, "DINOv2 ViT-S/14, fine-tuned for saliency detection"),
    Exhibit("efficientnet-lite0", "b", PHOTOS, "EfficientNet-Lite0, a convolutional network trained on ImageNet"),
)


def rows(exhibit: Exhibit) -> list[Row]:
    """The layers of an exhibit, first to last. Raises VitrineError when the model is not there."""
    return [
        Row(exhibit.side, address, request(View(a=address, data=exhibit.data), address))
        for address in layers(exhibit.model)
    ]


def layers(model: str) -> list[Address]:
    """Four layers evenly through the depth: the hidden features of a ViT's MLPs, or the ends of a CNN's blocks."""
    sites = sites_of(model)
    roles = {site.role for site in sites.values()}
    role = USUAL_ROLES[0] if "residual" in roles else USUAL_ROLES[1]
    alike = [site for site in sites.values() if site.role == role]
    chosen = [alike[round((step + 1) * len(alike) / DEPTHS) - 1] for step in range(DEPTHS)]
    return [Address(model, site.name, tuple(unit for unit in UNITS if unit < site.units)) for site in chosen]


def shows(view: View) -> bool:
    """Whether the gallery makes these pictures by itself."""
    return view == View(a=view.a, data=STARTER) and any(
        view.a.model == exhibit.model and view.a.units == UNITS for exhibit in EXHIBITS
    )


def indexes(request: Request) -> bool:
    """Whether the gallery makes this index by itself, before its pictures."""
    if request.experiment != "index":
        return False
    return any(
        request == index_request(address, exhibit.data)
        for exhibit in EXHIBITS
        if dict(request)["model"] == exhibit.model
        for address in layers(exhibit.model)
    )


def batch(missing: Sequence[Row]) -> Batch:
    """The gallery's jobs that are still to do. One for everybody: they belong to no person.

    First what each layer does on all scenes, which whoever asks for a picture needs too; then the pictures.
    """
    indexes = {request.key(): request for row in missing for request in [index_request(row.address, row.request.data)]}
    return Batch.of([*indexes.values(), *(row.request for row in missing)], OWNER, patient=True)
