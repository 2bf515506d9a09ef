"""Words as a reader reads them: text embeddings of length one, and how well each fits each image.

A reader is a model with a text tower beside its image tower. Invariant: the numbers do not depend on the batch size
beyond rounding.
"""

from __future__ import annotations

import json
import time
from typing import Literal

import numpy as np
from pydantic import field_validator

from engine.concepts.vocabulary import open_vocabulary
from engine.core import devices
from engine.core.choices import DEFAULT_READER, DEFAULT_TEMPLATE, DEFAULT_VOCABULARY, EMBEDDING, MAX_TEXT
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result, build
from engine.evaluation.index import IndexRequest
from engine.evaluation.request import OnImages
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.models.text import cut_short, text_embedding

LONGEST_TEMPLATE = 100
SENTENCE = 4
"""Words from which on a text is read as it is."""
FEWEST = 20


def check_template(template: str) -> str:
    """The template itself. Raises ValueError where it does not say, exactly once, where the word goes."""
    if template.count("{}") != 1 or len(template) > LONGEST_TEMPLATE:
        raise ValueError(f"a template has {{}} once, where the word goes, and at most {LONGEST_TEMPLATE} characters")
    return template


@experiment(
    title="Text embeddings",
    about="The text embeddings of a vocabulary.",
    page="concepts",
    models=("text",),
    part=True,
)
class WordsRequest(Request):
    """Read a vocabulary with a reader's text tower.

    The result's array `embedding` (W, D) float32 has length one in each row. Facts: words (all W, in order), cut (text ->
    what of it was read, where it is longer than the reader reads), seconds, device.
    """

    experiment = "words"
    version = 1
    always_float32 = True

    reader: str = DEFAULT_READER
    vocabulary: str = DEFAULT_VOCABULARY
    template: str = DEFAULT_TEMPLATE

    _template = field_validator("template")(check_template)

    @property
    def lane(self) -> Literal["short", "usual"]:  # type: ignore[override]
        """A larger reader, or a longer list, may take minutes."""
        return "short" if (self.reader, self.vocabulary) == (DEFAULT_READER, DEFAULT_VOCABULARY) else "usual"

    def fingerprints(self) -> dict[str, str]:
        return {"reader": catalog.fingerprint(self.reader), "vocabulary": open_vocabulary(self.vocabulary).digest}

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        loaded, words = reader_of(self.reader), open_vocabulary(self.vocabulary).words
        texts = [self.template.replace("{}", word) for word in words]

        def report(done: int) -> None:
            context.report(Progress(done, len(texts), f"{loaded.name} reads {done} of {len(texts)} words"))

        embedding = text_embedding(loaded, texts, report)
        facts = {
            "words": list(words),
            "cut": cut_short(loaded, texts),
            "seconds": time.monotonic() - started,
            "device": devices.describe(loaded.device)["name"],
        }
        return Result(json.loads(self.canonical()), {"embedding": embedding}, {}, facts)


def reader_of(name: str) -> LoadedModel:
    """The model as a reader. Raises BadRequest where it has no text tower."""
    loaded = catalog.load(name)
    if loaded.clip is None:
        raise loaded.no_text_tower()
    return loaded


def check_text(text: str) -> str:
    """The text with single spaces. Raises BadRequest where there is none, or too much."""
    plain = " ".join(text.split())
    if not plain:
        raise BadRequest("No text given. Enter a word or a sentence, like “music”.")
    if len(plain) > MAX_TEXT:
        raise BadRequest(f"The text has {len(plain):,} characters; the limit is {MAX_TEXT}.")
    return plain


def phrase(text: str, template: str) -> str:
    """What the reader is given: the text in the template, or from four words on the text as it is."""
    return text if len(text.split()) >= SENTENCE else template.replace("{}", text)


def image_embeddings(context: Context, reader: str, data: str) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of the images (N,), their embeddings (N, D) float32 of length one), from the reader's activation index."""
    index = context.compute(build(IndexRequest, model=reader, site=EMBEDDING, data=data))
    return index.arrays["images"], unit_length(index.arrays["position_mean"])


def aligned(first: np.ndarray, second: np.ndarray, data: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two lists of image numbers that are the same images, in order of the number.

    Raises BadRequest where fewer than 20 images are left: words cannot be told apart on so few.
    """
    _, here, there = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    if len(here) < FEWEST:
        raise BadRequest(f"“{data}” has {len(here)} usable images; at least {FEWEST} are needed.")
    return here, there


def similarities(images: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Cosines (N, W) of image embeddings (N, D) and text embeddings (W, D), both of length one."""
    return images @ words.T


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Rows (n, D) at length one, float32; a row of zeros stays."""
    vectors = vectors.astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


class WithReader(OnImages):
    """A request that reads a model's and a reader's weights, a data set and a vocabulary, and nothing else."""

    reader: str = DEFAULT_READER
    vocabulary: str = DEFAULT_VOCABULARY
    template: str = DEFAULT_TEMPLATE

    _template = field_validator("template")(check_template)

    def fingerprints(self) -> dict[str, str]:
        return {
            **super().fingerprints(),
            "reader": catalog.fingerprint(self.reader),
            "vocabulary": open_vocabulary(self.vocabulary).digest,
        }
