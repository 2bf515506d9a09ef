"""What a short job gives between the steps of a long one, and the long one around it: the same bytes as each alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cache.store import ResultStore
from engine.concepts.projection import UnitMapRequest
from engine.concepts.words import WordsRequest
from engine.concepts.zero_shot import ZeroShotRequest
from engine.core.request import Context, Request, Result
from engine.evaluation.index import IndexRequest
from engine.jobs.scheduler import Jobs
from engine.models import catalog
from engine.people.person import Person
from engine.spatial.maps import MapsRequest
from engine.visualization.recipes import FAST
from engine.visualization.single import PictureRequest
from tests.engine.jobs.playing import SECONDS, Quick

MODEL, SITE = "starter-vit", "blocks.1.mlp.hidden"
BRIEF = FAST.model_copy(update={"name": "brief", "steps": 12, "finish": None})


def picture(unit: int) -> PictureRequest:
    return PictureRequest(model=MODEL, site=SITE, wanted=str(unit), recipe=BRIEF, seed=0)


def arrays(jobs: Jobs, request: Request) -> dict[str, bytes]:
    assert jobs.wait(request.key(), 5 * SECONDS).status == "done"
    result = jobs.result(request.key())
    assert result is not None
    return {name: np.ascontiguousarray(array).tobytes() for name, array in result.arrays.items()}


def test_pictures_and_maps_between_their_steps_are_the_same_bytes_as_alone(tmp_path: Path) -> None:
    """The long job looks at the same model, with gradients; the short ones without, and in float32."""
    short = [MapsRequest(model=MODEL, image=str(image), unit=5) for image in range(6)]
    alone, mixed = (ResultStore(tmp_path / name) for name in ("alone", "mixed"))
    jobs = Jobs(alone)
    expected = {}
    for request in (picture(3), *short):
        jobs.submit(request)
        expected[request] = arrays(jobs, request)
    jobs.close()
    catalog.pool().clear()

    jobs = Jobs(mixed)
    passed: list[int] = []
    taken = jobs.take_short

    def take_short():
        record = taken()
        passed.extend([jobs.snapshot(picture(3).key()).step] if record else [])
        return record

    jobs.take_short = take_short  # type: ignore[method-assign]
    jobs.submit(picture(3))
    for number, request in enumerate(short):
        jobs.submit(request, Person(f"person {number}"))
    for request, bytes_alone in expected.items():
        assert arrays(jobs, request) == bytes_alone, request.canonical()
    assert len(passed) == len(short) and max(passed) > 0, "they ran between its steps"
    jobs.close()
    for store in (alone, mixed):
        store.close()


class Inside(Request):
    """A long one that reports where it has gradients and precision set in a way of its own."""

    experiment = "inside"
    version = 1

    def fingerprints(self) -> dict[str, str]:
        return {}

    def run(self, context: Context) -> Result:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            context.compute(Look())  # starts the short one's twin at its first report
            before = context.compute(Quick(name="nothing"))
        return Result({}, {"x": before.arrays["x"]})


class Look(Request):
    """Writes down how it finds torch."""

    experiment = "look"
    version = 1
    lane = "short"
    twin: int = 0

    def fingerprints(self) -> dict[str, str]:
        return {}

    def run(self, context: Context) -> Result:
        modes = (torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"))
        return Result({}, {"modes": np.array(modes)})


def test_a_short_job_finds_torch_as_if_it_were_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ResultStore(tmp_path / "results")
    jobs = Jobs(store)
    taken, asked = jobs.take_short, []

    def take_short():
        if torch.is_inference_mode_enabled() and not asked:
            asked.append(jobs.submit(Look(twin=1)))
        return taken()

    monkeypatch.setattr(jobs, "take_short", take_short)
    jobs.wait(jobs.submit(Inside()), SECONDS)
    for look, modes in ((Look(twin=1), [False, True, False]), (Look(), [True, False, True])):
        result = jobs.result(look.key())
        assert result is not None and result.arrays["modes"].tolist() == modes
    jobs.close()
    store.close()


def test_which_requests_are_short() -> None:
    assert MapsRequest.lane == UnitMapRequest.lane == ZeroShotRequest.lane == "short"
    assert WordsRequest().lane == "short"
    assert WordsRequest(reader="open_clip/ViT-L-14").lane == WordsRequest(vocabulary="long").lane == "usual"
    assert IndexRequest.lane == PictureRequest.lane == "usual"
