"""The stream of a data set through a model: every image once or told, whatever the batch, and short of memory too."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.request import build
from engine.evaluation import streaming
from engine.evaluation.samples import at_input_size
from engine.evaluation.streaming import Stream, Varied
from engine.reliance.background import BackgroundRequest
from tests.engine.contexts import Notebook
from tests.engine.world import KINDS, Squares, reader, settle


class Damaged(Squares):
    """Squares of which some cannot be decoded."""

    damaged = (2, 3)

    def image(self, index: int) -> np.ndarray:
        if index in self.damaged:
            raise RefusedFile("it is cut off.")
        return super().image(index)


@pytest.fixture
def stream(monkeypatch) -> Stream:
    settle(monkeypatch, {"object": reader("object")}, lambda name: Damaged(11), classes=5)
    return Stream.of(build(BackgroundRequest, model="object", data="squares"), Notebook())


def doubled(stream: Stream, batch: list) -> Varied:
    pixels = at_input_size(batch, stream.loaded)
    numbers = np.array([10 * one.index for one in batch])
    return batch, torch.stack([pixels, torch.zeros_like(pixels)], dim=1), {"tenfold": numbers}


def test_every_image_is_answered_once_or_told(stream):
    arrays = stream.answers(*stream.chosen(0), 2, lambda batch: doubled(stream, batch))
    assert arrays["images"].tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10]
    assert arrays["tenfold"].tolist() == (10 * arrays["images"]).tolist()
    assert arrays["top"].shape == (9, 2, 5)
    assert (arrays["top"][:, 0, 0] == arrays["images"] % len(KINDS)).all(), "the first variant is the image"
    assert (arrays["top"][:, 1, 0] == 4).all(), "the second is black, where nothing is to be seen"
    assert stream.skipped == {"2.png": "it is cut off.", "3.png": "it is cut off."}


@pytest.mark.parametrize("size", [1, 4, 9, 64])
def test_the_batch_changes_nothing(stream, monkeypatch, size):
    monkeypatch.setattr(streaming, "images_at_once", lambda loaded, variants: size)
    arrays = stream.answers(*stream.chosen(0), 2, lambda batch: doubled(stream, batch))
    assert arrays["images"].tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10] and len(arrays["tenfold"]) == 9


def test_progress_begins_at_nothing_never_falls_and_ends_with_all_images(stream, monkeypatch):
    monkeypatch.setattr(streaming, "images_at_once", lambda loaded, variants: 4)
    stream.answers(*stream.chosen(0), 2, lambda batch: doubled(stream, batch))
    steps = [progress.step for progress in stream.context.seen]
    assert steps[0] == 0 and steps == sorted(steps) and steps[-1] == 11
    assert {progress.total for progress in stream.context.seen} == {11}


@pytest.mark.parametrize("size", [1, 4])
def test_samples_that_no_variant_can_be_made_of_are_left_out(stream, monkeypatch, size):
    def vary(batch: list) -> Varied:
        odd = [one for one in batch if one.index % 2]
        return doubled(stream, odd) if odd else ([], torch.empty(0), {})

    monkeypatch.setattr(streaming, "images_at_once", lambda loaded, variants: size)
    assert stream.answers(*stream.chosen(0), 2, vary)["images"].tolist() == [1, 5, 7, 9]


def test_short_of_memory_all_begins_anew_with_half_the_batch(stream):
    sizes: list[int] = []

    def measure(batch: list[int]) -> dict[str, np.ndarray]:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise MemoryError("out of memory")
        return {"seen": np.array(batch)}

    assert stream.collect(lambda: range(7), measure, 12, 7)["seen"].tolist() == [*range(7)]
    assert sizes == [7, 6, 3, 3, 1], "twelve, six and three at once"
    with pytest.raises(Unavailable, match="not have enough free memory"):
        stream.collect(lambda: [range(9)] * 2, lambda batch: measure([*batch[0]]), 8, 2)


def test_where_no_image_is_left_that_is_said(stream):
    with pytest.raises(BadRequest, match="None of the images could be used"):
        stream.answers(*stream.chosen(0), 1, lambda batch: ([], torch.empty(0), {}))


def test_a_result_tells_what_was_left_out_on_the_way_and_before(stream):
    request = build(BackgroundRequest, model="object", data="squares")
    stream.answers(*stream.chosen(0), 2, lambda batch: doubled(stream, batch))
    result = stream.result(request, {}, {}, {"images": 9}, [("class moon", "is no class of the model")])
    assert dict(result.facts["skipped"]) == stream.skipped | {"class moon": "is no class of the model"}
    assert result.facts["images"] == 9 and result.facts["seconds"] > 0 and result.facts["device"]
    assert result.request["model"] == "object" and result.request["experiment"] == "background"


def test_seconds_and_speed_count_from_the_opening(stream, monkeypatch):
    monkeypatch.setattr(streaming, "time", SimpleNamespace(monotonic=lambda: stream.started + 4.0))
    assert stream.speed(20) == {"seconds": 4.0, "images_per_second": 5.0}
    request = build(BackgroundRequest, model="object", data="squares")
    assert stream.result(request, {}, {}, {}).facts["seconds"] == 4.0
    assert stream.result(request, {}, {}, {"seconds": 3.0}).facts["seconds"] == 3.0
