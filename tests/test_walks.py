"""Two walks through the house: what a person picks passes few packages on its way to where it is used, and never turns back.

A page is run, its button pressed, and Python's profiler sees who calls whom: the packages on the stack where the page hands
its request to the jobs, and then those on the stack of the worker, from the jobs to where the parameter is used.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests import plan
from tests.conftest import ROOT, forget_settings
from tests.sheet import modules, package_of

MOST = 6
"""Packages that a parameter passes from its widget to its use."""
NAMES = {str(path): name for name, path in modules().items()}


class Walk:
    """The packages that a parameter passed, in order, each run of calls inside one package counted once."""

    def __init__(self) -> None:
        self.handed_over: list[str] = []
        self.used: list[str] = []

    @property
    def packages(self) -> list[str]:
        return collapsed([*self.handed_over, *self.used])


def collapsed(packages: list[str]) -> list[str]:
    return [package for number, package in enumerate(packages) if number == 0 or package != packages[number - 1]]


def stack(frame: FrameType | None, parameter: str) -> list[str]:
    """The packages of the calls that led here and have the parameter in their hands, outermost first."""
    packages: list[str] = []
    while frame is not None:
        module = NAMES.get(frame.f_code.co_filename)
        if module and (
            parameter in frame.f_locals or any(holds(value, parameter) for value in frame.f_locals.values())
        ):
            packages.append(package_of(module))
        frame = frame.f_back
    return collapsed(packages[::-1])


def callers(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_code.co_qualname
        frame = frame.f_back


def holds(value: Any, parameter: str) -> bool:
    """Whether this is what people picked, a request or a job with such a field, or some of them together."""
    if isinstance(carried := getattr(value, "requests", value), list | tuple | Mapping):
        inside = carried.values() if isinstance(carried, Mapping) else carried
        return any(holds(inner, parameter) for inner in [*inside][:3])
    carried = getattr(value, "request", value)
    return parameter in {
        *getattr(type(carried), "model_fields", ()),
        *getattr(type(carried), "__dataclass_fields__", ()),
    }


@pytest.fixture
def walked() -> Iterator[Callable[..., Walk]]:
    """Open a page's settings as a link fills them, press Run, and follow a parameter to the first call that `used` recognises."""
    walk, done = Walk(), threading.Event()

    def follow(
        page: str, setup: str, button: str, link: dict[str, str], parameter: str, used: Callable[[FrameType], bool]
    ) -> Walk:
        def seen(frame: FrameType, event: str, _: Any) -> None:
            if event != "call" or done.is_set():
                return
            if frame.f_code.co_qualname == "Jobs.submit" and not walk.handed_over:
                walk.handed_over = stack(frame, parameter)
            elif walk.handed_over and used(frame):
                here = [*stack(frame, parameter), package_of(NAMES[frame.f_code.co_filename])]
                if here[0] == "engine.jobs":  # not the page's own look at it
                    walk.used = here
                    done.set()

        threading.setprofile(seen)
        sys.setprofile(seen)
        app = AppTest.from_file(str(ROOT / page), default_timeout=120)
        app.query_params.update(link)
        app.run().session_state[setup] = True
        app.run().button(key=button).click().run()
        assert done.wait(60), "the parameter arrives"
        return walk

    yield follow
    threading.setprofile(None)  # type: ignore[arg-type]
    sys.setprofile(None)
    from engine.jobs.scheduler import jobs
    from engine.people.person import Person

    for job in jobs().active():
        for owner in list(jobs()._records[job.id].owners):
            jobs().cancel(job, Person(owner))


def is_a_short_walk_in_one_direction(walk: Walk) -> bool:
    level = {room: number for number, rooms in enumerate(plan.LEVELS) for room in rooms}
    print(" > ".join(walk.packages))
    pages, engine = walk.handed_over, [package for package in walk.used if package != "engine.jobs"]
    heights = [max(number for room, number in level.items() if f"{name}.".startswith(f"{room}.")) for name in pages]
    assert heights == sorted(heights, reverse=True) and len(set(pages)) == len(pages), "pages hand down"
    assert len(set(collapsed(engine))) == len(collapsed(engine)), "no package is come back to"
    return len(dict.fromkeys(walk.packages)) <= MOST


def test_a_recipe_passes_six_packages_at_most_from_its_widget_to_the_optimizer(own_store: Path, walked: Any) -> None:
    def optimizer_with_these_steps(frame: FrameType) -> bool:
        owner = frame.f_locals.get("self")
        return frame.f_code.co_name == "_optimizer" and owner.recipe.steps == 64

    walk = walked(
        "pages/feature_visualization.py",
        "fv_setup",
        "fv_run",
        {"a": "starter-cnn@stem:0-1", "tuned": "steps:64"},
        "recipe",
        optimizer_with_these_steps,
    )
    assert is_a_short_walk_in_one_direction(walk)
    assert walk.packages[0] == "pages" and walk.packages[-1] == "engine.visualization.optimization"


def test_the_data_of_a_background_request_passes_six_packages_at_most(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, walked: Any
) -> None:
    from engine.core import config

    folder = tmp_path / "walked" / "fish"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "1.png")
    (tmp_path / "vitrine.toml").write_text('[data_folders]\nwalked = "walked"\n')
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "vitrine.toml"))
    forget_settings(config)

    def opening_it(frame: FrameType) -> bool:
        opens = frame.f_code.co_name == "open_dataset" and frame.f_locals.get("name") == "walked"
        return opens and "BackgroundRequest.run" in callers(frame)  # not for the request's key

    link = {"models": "starter-cnn", "data": "walked", "measures": "background", "cut": "saliency"}
    walk = walked("pages/background.py", "bg_setup", "bg_run", link, "data", opening_it)
    assert is_a_short_walk_in_one_direction(walk)
    assert walk.packages[0] == "pages" and walk.packages[-1] == "engine.data"
