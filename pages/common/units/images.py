"""Images of a unit in one picture: a strip or a block of its strongest, which is one thing to look at and one to step over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.core.errors import VitrineError
from pages.common import results, words

if TYPE_CHECKING:
    from engine.data.registry import Dataset

GAP = 4
"""Pixels between images, seen through."""


def ranks(numbers: Iterable[int], data: str, count: int) -> list[int]:
    """Places of the first of these images, at most `count`. Of scenes that show the same object in the same pose (a matched set)
    only the first counts: the others would fill the row with one object. An object without its place and a place without an
    object are no images of the data set, here as in scores; they stand where nothing else is among these."""
    from engine.data.dataset import ALONE

    opened, kept, controls, seen = results.dataset(data), list[int](), list[int](), set[object]()
    for rank, number in enumerate(numbers):
        facts = opened.describe(int(number))
        matched = facts.get("set")
        if matched is not None and facts.get("variant") in ALONE:
            controls.append(rank)
            continue
        if matched is not None and matched in seen:
            continue
        seen.add(matched)
        kept.append(rank)
        if len(kept) == count:
            break
    return kept or controls[:count]


def distinct(numbers: Sequence[int], data: str, count: int) -> tuple[int, ...]:
    """The images at these `ranks`."""
    return tuple(int(numbers[rank]) for rank in ranks(numbers, data, count))


def independent(data: str, many: int) -> int:
    """How many of the `many` images of a data set do not belong together; controls that are made of others are not among them.
    All where that is not known, or the data set is not there."""
    from engine.core.statistics import count
    from engine.data.dataset import ALONE

    try:
        opened = results.dataset(data)
        controls = [one[name] for one in opened.matched_sets() for name in ALONE]
        whole, clusters = np.setdiff1d(np.arange(len(opened)), controls), opened.clusters()
    except VitrineError:  # the result is there, its images are not
        return many
    return many if clusters is None else min(many, count(clusters[whole], len(whole)))


def block(data: str, numbers: Sequence[int], size: tuple[int, int], across: int) -> bytes:
    """PNG bytes of images of a data set, cut as the model sees them, so many side by side and the rest below."""
    opened = results.dataset(data)
    return _block((data, opened.fingerprint), opened, tuple(numbers), size, across)


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def _block(
    data: tuple[str, str], _opened: Dataset, numbers: tuple[int, ...], size: tuple[int, int], across: int
) -> bytes:
    from engine.core.images import to_input, to_png

    return to_png(together([to_input(_opened.image(number), size) for number in numbers], across))


def together(images: Sequence[np.ndarray], across: int) -> np.ndarray:
    """Images uint8 (h, w, 3) of one size as one (H, W, 4), with see-through gaps."""
    height, width = images[0].shape[:2]
    rows = -(-len(images) // across)
    whole = np.zeros((rows * (height + GAP) - GAP, across * (width + GAP) - GAP, 4), np.uint8)
    for place, image in enumerate(images):
        top, left = place // across * (height + GAP), place % across * (width + GAP)
        whole[top : top + height, left : left + width] = np.dstack([image, np.full((height, width), 255, np.uint8)])
    return whole


def told(data: str, numbers: Iterable[int]) -> str:
    """What is on these images, in a few words each."""
    opened = results.dataset(data)
    return ", ".join(words.short(opened.describe(number)) for number in numbers)
