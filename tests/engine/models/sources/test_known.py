"""Sources of models: a further one is known everywhere, and one that fails says so and hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from engine.core.choices import PHOTOS, STARTER
from engine.core.errors import BadRequest, Unavailable, VitrineError
from engine.models import catalog
from engine.models.loaded import Entry
from engine.models.source import Built, Source
from engine.models.sources import known


@pytest.fixture(autouse=True)
def only_for_this_test() -> Iterator[None]:
    before = [*known.SOURCES]
    yield
    known.SOURCES[:] = before


TOY = Entry("zoo/toy", "zoo", "toy", "none", available=True, input_size=(3, 32, 32), class_names=("cat", "dog"))


def zoo(**parts: Any) -> type[Source]:
    """A source with one small network, known from now on; `parts` replace its own."""

    class Zoo(Source):
        name, title, prefix = "zoo", "The zoo", "zoo/"

        def entries(self):
            return [TOY]

        def fetch(self, entry):
            return None, "weights 1"

        def build(self, entry, state):
            torch.manual_seed(0)
            return Built(
                nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
            )

    return known.register_source(type(f"Zoo{len(known.SOURCES)}", (Zoo,), parts))


def fails(error: Exception) -> Callable[..., Any]:
    def raises(*_: Any) -> Any:
        raise error

    return raises


def elsewhere() -> list[str]:
    """The models of all other sources."""
    return [entry.name for entry in catalog.entries() if entry.kind != "zoo"]


def test_the_models_of_a_further_source_are_listed_last_found_and_loaded() -> None:
    before = elsewhere()
    zoo()
    assert [entry.name for entry in catalog.entries()] == [*before, "zoo/toy"]
    model = catalog.load("zoo/toy", "cpu")
    assert (model.name, model.input_size, model.class_names) == ("zoo/toy", (32, 32), ("cat", "dog"))
    assert not model.module.training and catalog.load("zoo/toy", "cpu") is model
    assert list(model.sites), "what is looked at is found in it like in any other"


def test_another_digest_of_the_weights_or_other_class_names_make_another_model() -> None:
    zoo()
    marks = [catalog.fingerprint("zoo/toy")]
    for changed in (
        {"fetch": lambda self, entry: (None, "weights 2")},
        {"entries": lambda self: [replace(TOY, class_names=("dog", "cat"))]},
        {"entries": lambda self: [replace(TOY, mean=(0.5, 0.5, 0.5))]},
    ):
        known.SOURCES.pop()
        zoo(**changed)
        marks.append(catalog.fingerprint("zoo/toy"))
    assert len(set(marks)) == 4


def test_names_beside_the_entries_are_found_and_suggested() -> None:
    further = replace(TOY, name="zoo/okapi")
    zoo(find=lambda self, name: further if name == "zoo/okapi" else None, names=lambda self: ["zoo/okapi"])
    assert catalog.find("zoo/okapi") == further and further not in catalog.entries()
    with pytest.raises(BadRequest, match="Similar names: zoo/okapi"):
        catalog.find("zoo/okapy")
    with pytest.raises(BadRequest, match="Similar names: zoo/okapi"):
        catalog.find("okapi")


def test_a_source_may_say_what_to_do_about_a_name_that_it_does_not_have() -> None:
    zoo(missing=lambda self, name: f"{name} is asleep.")
    with pytest.raises(BadRequest, match=r"^zoo/owl is asleep\.$"):
        catalog.find("zoo/owl")
    with pytest.raises(BadRequest, match=r"^There is no model “owl”"):
        catalog.find("owl")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"entries": fails(ZeroDivisionError("by\nzero"))}, "raised ZeroDivisionError: by zero."),
        ({"entries": lambda self: (each for each in (TOY, 1 / 0))}, "raised ZeroDivisionError"),
        ({"entries": lambda self: None}, "raised TypeError"),
        ({"entries": lambda self: ["zoo/toy"]}, "'zoo/toy' is not an Entry"),
        ({"entries": lambda self: [replace(TOY, name="toy")]}, "does not begin with “zoo/”"),
        ({"entries": lambda self: [replace(TOY, kind="timm")]}, "is not of kind “zoo”"),
        ({"entries": lambda self: [replace(TOY, input_size=(32, 32))]}, "is not (3, height, width)"),
        ({"entries": fails(ValueError("long " * 1000))}, "raised ValueError: long long"),
    ],
)
def test_a_source_that_fails_is_one_entry_that_says_why_and_hides_no_other(parts: dict[str, Any], why: str) -> None:
    before = elsewhere()
    zoo(**parts)
    assert elsewhere() == before
    (told,) = (entry for entry in catalog.entries() if entry.kind == "zoo")
    assert (
        told.name == "zoo/"
        and not told.available
        and why in told.note
        and "\n" not in told.note
        and len(told.note) < 400
    )
    with pytest.raises(VitrineError) as error:
        catalog.load("zoo/toy")
    assert "\n" not in str(error.value)
    assert catalog.find("starter-vit").available
    with pytest.raises(BadRequest, match="Similar names: starter-vit"):
        catalog.find("starter-vti")


def test_what_a_source_says_for_people_is_said_as_it_is() -> None:
    zoo(entries=fails(Unavailable("The zoo is closed.")))
    assert catalog.entries()[-1].note == "The zoo is closed."
    with pytest.raises(Unavailable, match=r"^The zoo is closed\.$"):
        catalog.find("zoo/toy")


@pytest.mark.parametrize("part", ["find", "missing"])
def test_a_question_that_fails_is_answered_in_one_sentence(part: str) -> None:
    zoo(**{part: fails(KeyError("owl"))})
    with pytest.raises(Unavailable, match=r"^The models of “The zoo” cannot be listed: \S+ raised KeyError: 'owl'\.$"):
        catalog.find("zoo/owl")
    assert catalog.find("starter-vit").available and any(entry.name == "zoo/toy" for entry in catalog.entries())


def test_names_that_fail_suggest_nothing_and_keep_no_other_from_being_suggested() -> None:
    zoo(names=fails(OSError("no list")))
    with pytest.raises(BadRequest, match="Similar names: zoo/toy"):
        catalog.find("zoo/toi")
    with pytest.raises(BadRequest, match=r"Similar names: timm/resnet50\."):
        catalog.find("resnet50")


def test_a_source_of_vitrines_own_that_fails_leaves_those_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    starter, wheels = known.SOURCES[:2]
    for look_up in ("entries", "find"):
        monkeypatch.setattr(starter, look_up, fails(OSError("no disk")))
    assert [entry.name for entry in catalog.entries()][:3] == ["starter", *(entry.name for entry in wheels.entries())]
    assert catalog.find("efficientnet-lite0").kind == "wheel"
    with pytest.raises(Unavailable, match=r"“Starter” cannot be listed.*no disk"):
        catalog.find("starter-vit")
    with pytest.raises(BadRequest, match="no model “local/none”"):
        catalog.find("local/none")  # is asked of its own source alone


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"name": ""}, "has a name"),
        ({"title": ""}, "and a title"),
        ({"name": "The Zoo"}, "has a name"),
        ({"prefix": ""}, "begin with a prefix"),
        ({"prefix": "zoo"}, "begin with a prefix"),
        ({"prefix": "a b/"}, "begin with a prefix"),
        ({"prefix": "zoo/cats/"}, "begin with a prefix"),
        ({"prefix": "timm/"}, "of no other source"),
        ({"name": "local"}, "of no other source"),
    ],
)
def test_a_source_without_a_name_or_prefix_of_its_own_is_refused(parts: dict[str, Any], why: str) -> None:
    before = [*known.SOURCES]
    with pytest.raises(ValueError, match=why):
        zoo(**parts)
    assert before == known.SOURCES


def test_a_class_made_in_a_notebook_cell_again_takes_its_own_place() -> None:
    def cell(title_of_cell: str) -> None:
        @known.register_source
        class Mine(Source):
            name, title, prefix = "cell", title_of_cell, "cell/"

            def entries(self):
                return ()

            def build(self, entry, state):
                raise NotImplementedError

    cell("first")
    zoo()
    cell("second")
    assert [source.title for source in known.SOURCES[-2:]] == ["second", "The zoo"]


def test_every_source_of_vitrines_own_has_a_name_and_prefix_of_its_own() -> None:
    names, prefixes = ([getattr(source, field) for source in known.SOURCES] for field in ("name", "prefix"))
    assert len(set(names)) == len(names) and all(source.title for source in known.SOURCES)
    assert sorted(filter(None, prefixes)) == ["local/", "mine/", "open_clip/", "timm/", "twin/", "uploaded/"]
    assert {source.name for source in known.SOURCES if source.suits != PHOTOS} == {STARTER}


def test_the_cards_of_models_show_a_further_source_by_its_title() -> None:
    def script() -> None:
        from pages.sections.home import model_cards

        model_cards.draw()

    zoo()
    app = AppTest.from_function(script).run()
    assert not app.exception
    names, lines = [each.value for each in app.subheader], [each.value for each in app.markdown]
    assert ("zoo/toy" in names and "starter\\-vit" in names) or "starter-vit" in names
    assert any(line.endswith("· The zoo]") for line in lines) and any(line.endswith("· Starter]") for line in lines)


def test_doctor_lists_tries_or_leaves_out_what_the_source_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.cli import doctor

    tried: list[str] = []
    monkeypatch.setattr(doctor, "_try_model", lambda name, problems: tried.append(name))
    starters = ["starter-vit", "starter-cnn", "starter-clip"]
    away = [replace(TOY, available=False, note="Asleep.")]
    for says, listed, run, remarked in (
        ("list", True, [], True),
        ("try", True, ["zoo/toy"], False),
        ("skip", False, [], False),
    ):
        zoo(doctor=says, entries=lambda self: away)
        tried.clear()
        problems: list[str] = []
        remarks: list[str] = []
        found = doctor._models(problems, remarks)
        assert ("zoo/toy" in found, tried, problems) == (listed, [*starters, *run], [])
        assert ("zoo/toy is not available. Asleep." in remarks) == remarked
        assert not any(name.startswith("timm/") for name in found) and "open_clip/RN50/openai" in found
        known.SOURCES.pop()
    zoo(doctor="skip", entries=fails(OSError("no disk")))
    found = doctor._models(problems, [])
    assert len(problems) == 1 and "“The zoo” cannot be listed" in problems[0] and "starter-vit" in found
