"""The images of "Background and texture": those that models are asked about, and what is said of those that a bar opened."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.core.errors import RefusedFile
from engine.evaluation.comparison import Aligned
from pages.sections.reliance import images
from pages.sections.reliance.view import View


class Folder:
    """Images of which only some are measured on."""

    fingerprint = "folder"

    def __init__(self, *evaluated: int) -> None:
        self.measured = np.array(evaluated, np.int32)

    def __len__(self) -> int:
        return 1000

    def evaluated(self) -> np.ndarray:
        return self.measured


def shown_ahead(monkeypatch: pytest.MonkeyPatch, folder: Folder, refused: Collection[int] = ()) -> list[int]:
    """The images that stand there before any model has answered, where some cannot be cut."""
    scenes: list[int] = []

    def cut(shown: Any, index: int) -> list:
        if index in refused:
            raise RefusedFile("it has no box of its class.")
        return []

    images._evaluated.clear()
    monkeypatch.setattr(images.results, "dataset", lambda name: folder)
    monkeypatch.setattr(images, "_cut", cut)
    monkeypatch.setattr(images, "_scene", lambda shown, index, pictures: scenes.append(index))
    shown: Any = SimpleNamespace(view=View(models=("vit",), data="mine"), measure="background")
    images.ahead(shown)
    return scenes


def test_images_that_no_model_is_asked_about_are_not_shown_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [*range(1, 600, 2)]
    found = shown_ahead(monkeypatch, Folder(*asked))
    assert len(found) == images.SHOWN and set(found) <= set(asked) and found[-1] > 400, "taken evenly"
    assert shown_ahead(monkeypatch, Folder(5, 8)) == [5, 8] and shown_ahead(monkeypatch, Folder()) == []


def test_images_that_cannot_be_cut_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shown_ahead(monkeypatch, Folder(*range(60)), {0, 1, *range(20, 30)})
    assert found == [2, 10, 30, 40, 50], "the first of each sixth that can be"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (0, "1 image that vit gets wrong whole."),
        (1, "2 images that vit gets right whole and wrong as object alone, black."),
    ],
)
def test_what_is_said_of_the_images_that_a_bar_opens(monkeypatch: pytest.MonkeyPatch, place: int, told: str) -> None:
    said: list[str] = []
    monkeypatch.setattr(images.st, "caption", lambda text, **_: said.append(text))
    variants = (("full", ""), ("foreground", "black"))
    top1 = np.array([[[True, False], [True, False], [True, True], [False, False]]])
    both = Aligned(("vit",), np.arange(4), variants, top1, top1, top1.astype(float))
    shown: Any = SimpleNamespace(view=View(models=("vit",), data="mine", look=f"vit|{place}"))
    images._looked_at(shown, both, np.arange(4))
    assert said == [told]
