"""What the spatial probe shows, as one flat value, and the requests behind it. Knows no Streamlit."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from engine.core.choices import DEFAULT_DATA, DEFAULT_MODELS
from engine.core.request import Request, build
from engine.models.catalog import sites_of
from pages.common import errors
from pages.common.colours import NAMES, Side
from pages.common.experiment_page import Part

TITLES = {
    "maps": "One image, block by block",
    "scenes": "Strongest images",
    "layers": "Objects, tokens and maps through the layers",
    "last": "What the last layer does",
    "moves": "Shifted and rotated images",
}


EXPERIMENTS = ("spatial-maps", "spatial-layers", "spatial-last", "spatial-moves")
"""What the page shows of the registry; the index that it asks for too is the feature visualization's."""


class SpatialView(BaseModel):
    """One or two models on one data set; one image, one unit, how deep, and which place on the image (down, across)."""

    model_config = ConfigDict(frozen=True)

    a: str = Field(min_length=1, max_length=200)
    b: str | None = Field(default=None, max_length=200)
    data: str = Field(default=DEFAULT_DATA, max_length=200)
    image: str = Field(default="0", max_length=80)
    unit: int = Field(default=0, ge=0)
    depth: float = Field(default=1.0, ge=0, le=1)
    down: float = Field(default=0.5, ge=0, le=1)
    across: float = Field(default=0.5, ge=0, le=1)

    @property
    def sides(self) -> dict[Side, str]:
        """The models shown, by side."""
        return {"a": self.a, "b": self.b} if self.b else {"a": self.a}


def parts(view: SpatialView) -> list[Part]:
    """Every request of a view, the quick ones first. Raises VitrineError where one cannot be made."""
    from engine.evaluation.index import IndexRequest
    from engine.spatial.depth import layers_of
    from engine.spatial.last import LastLayerRequest
    from engine.spatial.layers import LayersRequest
    from engine.spatial.maps import MapsRequest
    from engine.spatial.moves import MovesRequest

    kinds = {"layers": LayersRequest, "last": LastLayerRequest, "moves": MovesRequest}
    asked = []
    for side, model in view.sides.items():
        request = build(MapsRequest, model=model, data=view.data, image=view.image, unit=view.unit)
        asked.append(Part(f"maps-{side}", _title(side, model, "maps"), request))
    for side, model in view.sides.items():
        deepest = layers_of(sites_of(model))[1][-1].maps.name  # the other blocks come along
        request = build(IndexRequest, model=model, site=deepest, data=view.data)
        asked.append(Part(f"scenes-{side}", _title(side, model, "scenes"), request))
    for name, kind in kinds.items():
        for side, model in view.sides.items():
            asked.append(Part(f"{name}-{side}", _title(side, model, name), build(kind, model=model, data=view.data)))
    return asked


def requests(view: SpatialView) -> list[Request]:
    """The same, without their names."""
    return [part.request for part in parts(view)]


def _title(side: Side, model: str, name: str) -> str:
    return f":{NAMES[side]}[**{errors.escape(model)}**] {TITLES[name]}"


def example() -> SpatialView:
    """What the page opens on: both starter networks on the first scene."""
    return SpatialView(a=DEFAULT_MODELS[0], b=DEFAULT_MODELS[1])
