"""A model on a data set with a reader beside it: what units and words are matched from."""

from __future__ import annotations

from pydantic import field_validator

from engine import catalog
from engine.concepts.vocabulary import open_vocabulary
from engine.concepts.words import READER, TEMPLATE, check_template
from engine.on_images import OnImages


class WithReader(OnImages):
    """A request that reads a model's and a reader's weights, a data set and a vocabulary, and nothing else."""

    reader: str = READER
    vocabulary: str = "starter"
    template: str = TEMPLATE

    _template = field_validator("template")(check_template)

    def fingerprints(self) -> dict[str, str]:
        return {
            **super().fingerprints(),
            "reader": catalog.fingerprint(self.reader),
            "vocabulary": open_vocabulary(self.vocabulary).digest,
        }
