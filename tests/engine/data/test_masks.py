"""Masks as the libraries of published data sets write them: each kind is read as what it is, and said."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import RefusedFile
from engine.data.masks import SAYS, Masks

OBJECT = np.zeros((6, 8), bool)
OBJECT[1:4, 2:7] = True
EDGE = np.zeros((6, 8), bool)
EDGE[4, 2:7] = True


def saved(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def numbers(object_: int, background: int, edge: int | None = None) -> np.ndarray:
    values = np.where(OBJECT, object_, background).astype(np.uint8)
    return values if edge is None else np.where(EDGE, edge, values).astype(np.uint8)


def voc(values: np.ndarray) -> bytes:
    """As Pascal VOC's SegmentationClass: a palette in which class 1 is dark red, and 255 (void) is cream."""
    image = Image.fromarray(values, "P")
    palette = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0, 0, 0] * 252 + [224, 224, 192]
    image.putpalette(palette)
    return saved(image)


def in_alpha(colour: int) -> bytes:
    pixels = np.full((6, 8, 4), colour, np.uint8)
    pixels[..., 3] = numbers(255, 0)
    return saved(Image.fromarray(pixels))


def opaque(values: np.ndarray) -> bytes:
    return saved(Image.fromarray(np.dstack([values] * 3 + [np.full_like(values, 255)])))


def coloured() -> bytes:
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[OBJECT], pixels[EDGE] = (0, 0, 128), (224, 224, 192)
    return saved(Image.fromarray(pixels))


BLACK_AND_WHITE = saved(Image.fromarray(numbers(255, 0)))
CASES: dict[str, tuple[bytes, str | None]] = {
    "black and white": (BLACK_AND_WHITE, None),
    "one bit": (saved(Image.fromarray(OBJECT)), None),
    "black and white, with an alpha that is 255 everywhere": (opaque(numbers(255, 0)), None),
    "black and white in two palette entries": (saved(Image.fromarray(numbers(255, 0)).convert("P")), None),
    "0 and 1": (saved(Image.fromarray(numbers(1, 0))), "binary"),
    "0 and 1, with an alpha that is 255 everywhere": (opaque(numbers(1, 0)), "binary"),
    "0 and 1 in 16 bits": (saved(Image.fromarray(numbers(1, 0).astype(np.uint16))), "binary"),
    "0 and 65535 in 16 bits": (saved(Image.fromarray(np.where(OBJECT, 65535, 0).astype(np.uint16))), None),
    "classes with a void border": (saved(Image.fromarray(numbers(15, 0, 255))), "numbers"),
    "instances in 16 bits": (saved(Image.fromarray(np.where(OBJECT, 24001, 0).astype(np.uint16))), "numbers"),
    "a palette as Pascal VOC's": (voc(numbers(1, 0, 255)), "palette"),
    "a cut-out: the mask in a white image's alpha": (in_alpha(255), "alpha"),
    "a cut-out of black": (in_alpha(0), "alpha"),
    "class colours": (coloured(), "colour"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_object_is_found_in_every_kind_of_mask_and_what_is_not_plain_is_said(name: str) -> None:
    data, form = CASES[name]
    masks = Masks([data])
    assert np.array_equal(masks.read(data, "mask"), OBJECT)
    assert masks.says() == ([] if form is None else [SAYS[form]])
    assert masks.mark() == ([] if form is None else [f"masks: {form}".encode()]), "read as before, the same fingerprint"


def test_a_trimap_counts_its_border_as_object() -> None:
    data = saved(Image.fromarray(numbers(1, 2, 3)))
    masks = Masks([data])
    assert np.array_equal(masks.read(data, "mask"), OBJECT | EDGE) and masks.says() == [SAYS["trimap"]]


def test_a_mask_that_could_mean_two_things_is_read_as_the_others_of_its_data_set() -> None:
    two = saved(Image.fromarray(numbers(2, 1)))
    trimaps = Masks([two, saved(Image.fromarray(numbers(1, 2, 3)))])
    classes = Masks([two, saved(Image.fromarray(numbers(2, 0)))])
    assert np.array_equal(trimaps.read(two, "mask"), ~OBJECT), "2 is a trimap's background"
    assert classes.read(two, "mask").all(), "1 and 2 are classes"


def test_shades_at_an_edge_are_cut_at_middle_grey_as_ever() -> None:
    soft = np.array([[0, 60, 127, 128, 200, 255, 255, 255]], np.uint8)
    masks = Masks([saved(Image.fromarray(soft))])
    assert masks.read(saved(Image.fromarray(soft)), "mask").tolist() == [[False] * 3 + [True] * 5]
    assert masks.says() == [SAYS["grey"]] and masks.mark() == []


def test_an_empty_mask_among_others_is_empty() -> None:
    empty = saved(Image.fromarray(np.zeros((6, 8), np.uint8)))
    for other in (BLACK_AND_WHITE, CASES["0 and 1"][0], CASES["a palette as Pascal VOC's"][0]):
        assert not Masks([empty, other]).read(empty, "mask").any()


def test_what_is_no_image_is_refused_and_does_not_decide() -> None:
    masks = Masks([b"nothing", BLACK_AND_WHITE])
    assert masks.says() == []
    with pytest.raises(RefusedFile, match=r"a\.png cannot be decoded"):
        masks.read(b"nothing", "a.png")
