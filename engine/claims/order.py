"""All claims, in the order of the paper, and what shipped results must hold."""

from __future__ import annotations

from collections.abc import Sequence

from engine.claims import background, depth, frequency, language, pooling, position, reading
from engine.claims.claim import Claim, Part
from engine.claims.subject import Subject
from engine.core.choices import PHOTOS
from engine.core.request import Request
from engine.models.sources import packages

CLAIMS: tuple[Claim, ...] = (
    reading.CLAIM,
    depth.CLAIM,
    position.CLAIM,
    pooling.CLAIM,
    background.CLAIM,
    frequency.CLAIM,
    language.CLAIM,
)
STARTER = Subject("starter-vit", "starter-cnn", "starter-clip")
REAL = Subject(packages.DINOV2.name, packages.EFFICIENTNET.name, "", PHOTOS)


def parts(subject: Subject, claims: Sequence[Claim] = CLAIMS) -> dict[str, Part]:
    """Everything that claims need of a subject, each request once, by its name. Raises VitrineError where a model or data set is
    not there."""
    return {part.name: part for claim in claims for part in claim.parts(subject)}


def shipped_requests() -> list[Request]:
    """All requests of both pairs that come with Vitrine. Raises VitrineError where one of the models is not there."""
    return [part.request for subject in (STARTER, REAL) for part in parts(subject).values()]
