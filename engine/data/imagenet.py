"""ImageNet-1k's classes: their WordNet ids and their names."""

from __future__ import annotations

import functools

from timm.data.imagenet_info import ImageNetInfo


@functools.cache
def imagenet_ids() -> tuple[str, ...]:
    """The WordNet ids of ImageNet-1k's classes, in their usual order."""
    info = ImageNetInfo("imagenet-1k")
    return tuple(info.index_to_label_name(index) for index in range(1000))


@functools.cache
def imagenet_names() -> tuple[str, ...]:
    """The names of ImageNet-1k's classes, in their usual order: synonyms with commas between them."""
    info = ImageNetInfo("imagenet-1k")
    return tuple(info.index_to_description(index) for index in range(1000))


def readable(name: str) -> str:
    """A class's name for people: the first synonym, also where only a WordNet id of ImageNet-1k's is given."""
    known = _imagenet_index().get(name)
    return (imagenet_names()[known] if known is not None else name).partition(",")[0]


@functools.cache
def _imagenet_index() -> dict[str, int]:
    return {wordnet: number for number, wordnet in enumerate(imagenet_ids())}
