"""What the page "The paper, claim by claim" shows, as one flat value, and the requests behind it. Knows no Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.core.choices import DEFAULT_DATA
from engine.core.request import Request

if TYPE_CHECKING:
    from engine.claims.subject import Subject

Pair = Literal["Starter pair", "Real pair", "Your own"]
STARTER, REAL, OWN = "Starter pair", "Real pair", "Your own"


class ClaimsView(BaseModel):
    """Two models, a CLIP (for what language adds), and images. `claim`: the one that stands first; the others follow."""

    model_config = ConfigDict(frozen=True)

    a: str = Field(min_length=1, max_length=200)
    b: str | None = Field(default=None, max_length=200)
    clip: str | None = Field(default=None, max_length=200)
    data: str = Field(default=DEFAULT_DATA, max_length=200)
    claim: str = Field(default="", max_length=40)

    @property
    def subject(self) -> Subject:
        """The same as claims take it."""
        from engine.claims.subject import Subject

        return Subject(self.a, self.b or "", self.clip or "", self.data)


def of(subject: Subject) -> ClaimsView:
    """What claims are asked about, as a view."""
    return ClaimsView(a=subject.a, b=subject.b or None, clip=subject.clip or None, data=subject.data)


def pairs() -> dict[Pair, ClaimsView]:
    """The pairs whose results come with Vitrine."""
    from engine.claims import order

    return {STARTER: of(order.STARTER), REAL: of(order.REAL)}


def pair_of(view: ClaimsView) -> Pair:
    """Which pair a view shows."""
    return next((name for name, known in pairs().items() if known.subject == view.subject), OWN)


def example() -> ClaimsView:
    """What the page opens on."""
    return pairs()[STARTER]


def requests(view: ClaimsView) -> list[Request]:
    """Every request of a view, claim by claim. Raises VitrineError where a model or data set is not there."""
    from engine.claims import order

    return [part.request for part in order.parts(view.subject).values()]
