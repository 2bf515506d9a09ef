"""Words for pictures: does a reader see in a unit's picture what it sees in the images that excite the unit?

Invariant: words and images are compared by how much more a word fits than it fits the data set on average, so that a word
that fits everything says nothing.
"""

from __future__ import annotations

import json
import time
from typing import Self

import numpy as np
import pandas as pd
import torch
from pydantic import Field, field_validator, model_validator

from engine.concepts.words import WithReader, WordsRequest, image_embeddings, reader_of, unit_length
from engine.core import devices
from engine.core.choices import DEFAULT_RECIPE, DEFAULT_TOP_WORDS, EMBEDDING, MAX_SEED, MAX_UNITS
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Result, build
from engine.evaluation.index import IndexRequest
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.visualization.activations import values_of
from engine.visualization.request import VisualizeRequest
from engine.visualization.tuning import GivenRecipe

FEWEST_OTHERS = 3
"""Other units of the site that a spread can be told from."""


@experiment(
    title="Labels of pictures",
    about="Whether a CLIP labels the picture of a unit like the images that activate it most.",
    page="concepts",
)
class PictureWordsRequest(WithReader):
    """Make pictures of units, have a reader name them, and compare with the names of the images that excite the units most.

    The result's arrays, for n units, T = `top` words (all of the vocabulary where it has fewer): `picture_words` and
    `image_words` (n, T) int32, numbers into the vocabulary, best first; `picture_scores` and `image_scores` (n, T) float32,
    cosine less the word's mean over the data set. The images are each unit's 20 strongest, but at most a tenth of all.

    Table `units`: unit; consistency, the correlation over the vocabulary of the two scores; others, the mean of what the
    same picture has with the images of the site's other units; z, how many standard deviations of those the unit's own
    stands above them; percentile, the share of those that are below it, in percent (the last three are NaN in a site of
    fewer than four units); shared, how many of the T words are in both lists.

    Facts: words (the whole vocabulary), mean_consistency, mean_others, images (how many there are), seconds, device. The
    pictures themselves are the result of `pictures()`.
    """

    experiment = "picture-words"
    version = 1

    site: str
    units: tuple[int, ...] = Field(min_length=1, max_length=MAX_UNITS)
    recipe: GivenRecipe = DEFAULT_RECIPE
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    top: int = Field(default=DEFAULT_TOP_WORDS, ge=1, le=50)

    @field_validator("units")
    @classmethod
    def _each_once(cls, units: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(units))

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        try:
            self.pictures()
        except BadRequest as error:
            raise ValueError(str(error)) from None
        return self

    def pictures(self) -> VisualizeRequest:
        """The request whose result has the pictures."""
        asked = {name: getattr(self, name) for name in ("model", "site", "units", "recipe", "seed", "data")}
        return build(VisualizeRequest, **asked)  # type: ignore[return-value]

    def fingerprints(self) -> dict[str, str]:
        return super().fingerprints() | self.pictures().fingerprints()

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded = reader_of(self.reader)
        self.pictures().check(catalog.load(self.model))
        read = build(WordsRequest, reader=self.reader, vocabulary=self.vocabulary, template=self.template)
        words = context.compute(read)
        numbers, seen = image_embeddings(context, self.reader, self.data)
        index = context.compute(build(IndexRequest, model=self.model, site=self.site, data=self.data))
        optimized = context.compute(self.pictures()).arrays["images"]
        usual = seen.mean(axis=0)
        pictures = embedded(loaded, optimized) - usual
        images = of_strongest(index, numbers, seen) - usual
        embedding = words.arrays["embedding"]
        chosen = np.asarray(self.units)
        ours, our_scores = best_words(pictures, embedding, self.top)
        theirs, their_scores = best_words(images[chosen], embedding, self.top)
        table = compared(consistency(pictures, images, embedding), chosen)
        table["shared"] = [len({*one} & {*other}) for one, other in zip(ours.tolist(), theirs.tolist(), strict=True)]
        arrays = {
            "picture_words": ours,
            "picture_scores": our_scores,
            "image_words": theirs,
            "image_scores": their_scores,
        }
        facts = {
            "words": words.facts["words"],
            "images": len(numbers),
            "mean_consistency": float(table["consistency"].mean()),
            "mean_others": float(table["others"].mean()),
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        return Result(json.loads(self.canonical()), arrays, {"units": table}, facts)


def embedded(loaded: LoadedModel, pictures: np.ndarray) -> np.ndarray:
    """(n, D) float32 of length one: what the reader makes of pictures (n, H, W, 3) uint8, one at a time."""
    rows = []
    for picture in pictures:
        image = torch.from_numpy(picture.copy()).to(loaded.device).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            rows.append(values_of(loaded, EMBEDDING, loaded.resize_to_input(image))[0, 0].cpu().numpy())
    return unit_length(np.stack(rows))


def of_strongest(index: Result, numbers: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(U, D): the mean embedding of each unit's strongest images (at most a tenth of all), from the index of its site.

    `seen` (N, D) are the embeddings of the images with these numbers (N,). Raises BadRequest where the reader has read
    none of a unit's images.
    """
    strongest = index.arrays["top_mean"][:, : max(1, index.facts["images"] // 10)]
    order = np.argsort(numbers)
    places = order[np.searchsorted(numbers, strongest, sorter=order).clip(max=len(numbers) - 1)]
    there = (numbers[places] == strongest).astype(np.float32)
    if not there.any(axis=1).all():
        raise BadRequest("None of the images that activate a unit most could be read. Choose another data set.")
    return np.einsum("ut,utd->ud", there / there.sum(axis=1, keepdims=True), seen[places])


def best_words(vectors: np.ndarray, words: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, top) int32 numbers of the words (W, D) with the largest products with vectors (n, D), best first; the products."""
    scores = vectors @ words.T
    best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    return best.astype(np.int32), np.take_along_axis(scores, best, 1).astype(np.float32)


def consistency(pictures: np.ndarray, images: np.ndarray, words: np.ndarray) -> np.ndarray:
    """(n, U): correlation over words (W, D) of their products with each of pictures (n, D) and each of images (U, D).

    As a product of three matrices: no list of words is ever made for a unit.
    """
    centred = words.astype(np.float64) - words.mean(axis=0, dtype=np.float64)
    spread = centred.T @ centred
    left, right = pictures.astype(np.float64), images.astype(np.float64)
    sizes = [np.sqrt(np.einsum("nd,de,ne->n", each, spread, each).clip(min=1e-24)) for each in (left, right)]
    return (left @ spread @ right.T) / np.outer(*sizes)


def compared(consistent: np.ndarray, units: np.ndarray) -> pd.DataFrame:
    """The table of units from the consistency (n, U) of each picture with the images of every unit of the site."""
    rows = np.arange(len(units))
    own = consistent[rows, units]
    mine = np.zeros(consistent.shape, bool)
    mine[rows, units] = True
    others = consistent[~mine].reshape(len(units), -1)
    nan = np.full(len(units), np.nan)
    enough = others.shape[1] >= FEWEST_OTHERS
    mean, spread = (others.mean(axis=1), others.std(axis=1, ddof=1)) if enough else (nan, nan)
    z = np.divide(own - mean, spread, out=nan.copy(), where=spread > 0)
    below = 100 * (others < own[:, None]).mean(axis=1) if enough else nan
    return pd.DataFrame({"unit": units, "consistency": own, "others": mean, "z": z, "percentile": below})
