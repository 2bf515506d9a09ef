"""Zero-shot: which of some texts fits an image best, by the probabilities that the reader was trained to give.

Invariant: the order of the texts changes no number.
"""

from __future__ import annotations

import json
import time

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
from engine.core.choices import DEFAULT_DATA, DEFAULT_READER, DEFAULT_TEMPLATE
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Request, Result
from engine.core.targets import IMAGE
from engine.data import uploads
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.models.text import EMBEDDING, cut_short, scale, text_embedding
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

    @field_validator("image")
    @classmethod
    def _an_image(cls, image: str) -> str:
        if not IMAGE.fullmatch(image):
            raise ValueError("The image is a number of the data set, or up-<digest> of an upload.")
        return str(int(image)) if image.isdecimal() else image

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
