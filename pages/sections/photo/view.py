"""What the page "In a photo" shows, as one flat value, and the requests behind it. Knows no Streamlit."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.core.choices import (
    DEFAULT_DATA,
    DEFAULT_MODELS,
    DEFAULT_PHOTO_LAYERS,
    DEFAULT_READER,
    MAX_PHOTO_LAYERS,
)
from engine.core.request import Request, build
from engine.core.targets import IMAGE
from pages.common import errors
from pages.common.colours import Side
from pages.common.experiment_page import Part

EXPERIMENTS = ("photo",)
"""What the page shows of the registry."""
LONGEST = 200
EXAMPLE = "400"
"""A fish in the sea."""


class PhotoView(BaseModel):
    """One image, by its number in `data` or as an upload, in one or two models (`b` "": one), and the CLIP that finds words.
    `layers`: of each model, evenly through its depth.

    `data` is also what units are compared with, where it is indexed.
    """

    model_config = ConfigDict(frozen=True)

    image: str
    a: str = Field(default=DEFAULT_MODELS[0], min_length=1, max_length=LONGEST)
    b: str = Field(default=DEFAULT_MODELS[1], max_length=LONGEST)
    data: str = Field(default=DEFAULT_DATA, max_length=LONGEST)
    reader: str = Field(default=DEFAULT_READER, min_length=1, max_length=LONGEST)
    layers: int = Field(default=DEFAULT_PHOTO_LAYERS, ge=1, le=MAX_PHOTO_LAYERS)

    @field_validator("image")
    @classmethod
    def _an_image(cls, image: str) -> str:
        if not IMAGE.fullmatch(image):
            raise ValueError("write the number of an image, or up- and the digest of an upload")
        return str(int(image)) if image.isdecimal() else image

    @property
    def sides(self) -> dict[Side, str]:
        """The models shown, by side."""
        return {"a": self.a, "b": self.b} if self.b and self.b != self.a else {"a": self.a}


def parts(view: PhotoView) -> list[Part]:
    """Every request of a view. Raises VitrineError where one cannot be made."""
    from engine.concepts.words import WordsRequest
    from engine.evaluation.photo import PhotoRequest

    def photo(model: str) -> Request:
        return build(PhotoRequest, model=model, image=view.image, data=view.data, layers=view.layers)

    asked = [Part(f"photo-{side}", errors.escape(model), photo(model)) for side, model in view.sides.items()]
    if view.reader not in view.sides.values():
        asked.append(Part("photo-reader", errors.escape(view.reader), photo(view.reader)))
    return [*asked, Part("words", "The words of the vocabulary", build(WordsRequest, reader=view.reader))]


def requests(view: PhotoView) -> list[Request]:
    """The same, without their names."""
    return [part.request for part in parts(view)]


def example() -> PhotoView:
    """What the page opens with: a scene that both starter models know."""
    return PhotoView(image=EXAMPLE)
