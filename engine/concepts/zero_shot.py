"""Zero-shot: which of some texts fits an image best, by the probabilities that the reader was trained to give.

Invariant: the order of the texts changes no number.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from pydantic import Field, field_validator

from engine.concepts.words import (
    check_template,
    check_text,
    phrase,
    reader_of,
    similarities,
    unit_length,
)
from engine.core import devices
from engine.core.choices import DEFAULT_DATA, DEFAULT_READER, DEFAULT_TEMPLATE, EMBEDDING
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Request, Result
from engine.core.targets import checked_image
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.models.text import cut_short, scale, text_embedding
from engine.visualization.activations import activations

MOST_TEXTS = 50


@experiment(
    title="Zero-shot",
    about="Zero-shot classification of an image with given texts.",
    page="concepts",
    models=("text",),
)
class ZeroShotRequest(Request):
    """Compare one image with two to fifty texts.

    A text stands in the template, unless it is a sentence: from four words on it is read as it is.

    The result's table `texts`, in the order given: text, similarity (cosine), probability. Facts: function (`softmax`, where
    the probabilities of all texts add up to one; or `sigmoid` for SigLIP, where each text stands for itself), scale and bias
    (of the similarities before it), read (what the reader was given), best (the text), seconds, device.
    """

    experiment = "zero-shot"
    version = 1
    lane = "short"

    texts: tuple[str, ...]
    image: str = Field(description="17 of the data set, or up-<digest>")
    reader: str = DEFAULT_READER
    data: str = DEFAULT_DATA
    template: str = DEFAULT_TEMPLATE

    _template = field_validator("template")(check_template)

    @field_validator("texts")
    @classmethod
    def _texts(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        try:
            distinct = tuple(dict.fromkeys(map(check_text, texts)))
        except BadRequest as error:
            raise ValueError(str(error)) from None
        if not 2 <= len(distinct) <= MOST_TEXTS:
            raise ValueError(f"{len(distinct)} different texts were given. Give 2 to {MOST_TEXTS}.")
        return distinct

    _an_image = field_validator("image")(checked_image)

    def fingerprints(self) -> dict[str, str]:
        upload = uploads.is_upload(self.image)
        seen = uploads.fingerprint(self.image) if upload else open_dataset(self.data).fingerprint
        return {"reader": catalog.fingerprint(self.reader), "data": seen}

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded = reader_of(self.reader)
        read = [phrase(text, self.template) for text in self.texts]
        seen = activations(loaded, EMBEDDING, uploads.image_of(self.image, self.data))[:, 0].cpu().numpy()
        cosines = similarities(unit_length(seen), text_embedding(loaded, read))[0]
        sharpness, bias = scale(loaded), bias_of(loaded)
        sure = probabilities(cosines, sharpness, bias)
        table = pd.DataFrame(
            {"text": list(self.texts), "similarity": cosines.astype(np.float64), "probability": sure.astype(np.float64)}
        )
        facts = {
            "function": "softmax" if bias is None else "sigmoid",
            "scale": sharpness,
            "bias": bias,
            "read": read,
            "cut": cut_short(loaded, read),
            "best": self.texts[int(cosines.argmax())],
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        return Result(json.loads(self.canonical()), {}, {"texts": table}, facts)


def bias_of(loaded: LoadedModel) -> float | None:
    """What the reader adds to scaled cosines, where each text stands for itself (SigLIP); else None."""
    bias = getattr(loaded.clip, "logit_bias", None)
    return None if bias is None else float(bias)


def probabilities(cosines: np.ndarray, sharpness: float, bias: float | None) -> np.ndarray:
    """(texts,) of one image: softmax over the scaled cosines (CLIP, Radford et al. 2021); with a bias the sigmoid of each
    (SigLIP, Zhai et al. 2023)."""
    logits = torch.from_numpy(cosines).double() * sharpness
    return (logits.softmax(0) if bias is None else (logits + bias).sigmoid()).numpy()


@dataclass(frozen=True)
class Said:
    """`words`, the most likely first: word, probability, and its lowest and highest over slightly different cuts of the photo;
    `chance`, what each word had if all were equally likely (NaN for a SigLIP, whose words each stand for themselves);
    `closest`, the cosine of the word that fits best; `fits`, the percentage of the data set's images whose best word fits less
    well (NaN where the reader has not read them)."""

    words: pd.DataFrame
    chance: float
    closest: float
    fits: float


def said_of(photo: Result, words: Result, seen: Result | None, top: int) -> Said:
    """The words for a photo.

    photo: what the reader makes of it (a result of `PhotoRequest` with embeddings); words: the vocabulary as the same reader
    reads it; seen: the reader's activation index of its own embedding over a data set, where it is there.
    """
    embedding, sharpness, bias = words.arrays["embedding"], photo.facts["scale"], photo.facts["bias"]
    cosines = similarities(photo.arrays["embeddings"], embedding)
    sure = np.stack([probabilities(row, sharpness, bias) for row in cosines])
    best = np.argsort(-sure[0], kind="stable")[:top]
    table = pd.DataFrame(
        {
            "word": [words.facts["words"][place] for place in best],
            "probability": sure[0, best],
            "low": sure[:, best].min(axis=0),
            "high": sure[:, best].max(axis=0),
        }
    )
    closest = float(cosines[0].max())
    fits = float("nan")
    if seen is not None:
        usual = similarities(unit_length(seen.arrays["position_mean"]), embedding).max(axis=1)
        fits = float(100 * (usual < closest).mean())
    return Said(table, float("nan") if bias is not None else 1 / len(embedding), closest, fits)
