"""The registry knows every experiment, whatever is imported, and reads stored requests back by their names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, get_args

import pytest

from engine.core import experiments
from engine.core.errors import BadRequest
from engine.core.request import Request
from tests import toy
from tests.conftest import ROOT


def in_a_new_process(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()  # fmt: skip


def test_all_are_known_before_any_is_imported() -> None:
    told = in_a_new_process(
        "import sys\n"
        "from engine.core.experiments import experiments\n"
        "known = experiments()\n"
        "assert not {'torch', 'streamlit'} & sys.modules.keys()\n"
        "assert not [each.module for each in known.values() if each.module in sys.modules]\n"
        "print(len(known), all(each.title and each.about.endswith(('.', '?')) for each in known.values()))"
    )
    assert told == "26 True"


def test_what_is_read_of_a_file_is_what_its_decorator_says_when_it_is_imported() -> None:
    read = experiments._built_in()
    for each in read.values():
        kind = each.kind
        assert kind.experiment == each.name and kind.__module__ == each.module
        assert experiments._MARKED[each.name] == each


def test_a_stored_request_is_read_back_by_importing_its_one_module() -> None:
    facts = {"experiment": "unit-map", "version": 1, "model": "starter-vit", "site": "tokens.embed", "data": "starter"}
    told = in_a_new_process(
        "import sys\n"
        "from engine.core.experiments import parse_request\n"
        f"request = parse_request({json.dumps(facts)!r})\n"
        "assert 'engine.concepts.naming' not in sys.modules\n"
        "print(type(request).__name__, request.site)"
    )
    assert told == "UnitMapRequest tokens.embed"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"experiment": "none"}', '{"experiment": ["index"]}', "17"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="not a valid request"):
        experiments.parse_request(text)


def test_a_plugin_adds_an_experiment_that_is_read_back(tmp_path: Path, plugins) -> None:
    plugins(toy.package(tmp_path, "toy_for_registry"))
    added = experiments.find("brightness")
    assert (added.title, added.page, added.module) == ("Brightness", "reliance", "toy_for_registry.brightness")
    assert added in experiments.of_page("reliance")
    assert "toy_for_registry.brightness" not in sys.modules
    request = experiments.parse_request({"experiment": "brightness", "images": 5})
    assert request.model_dump() == {"data": "starter", "images": 5, "squared": False}


def test_without_the_plugin_there_is_no_such_experiment(plugins) -> None:
    plugins()
    with pytest.raises(BadRequest, match="no experiment “brightness”"):
        experiments.find("brightness")


def test_a_plugin_that_is_not_there_or_takes_a_name_is_named(tmp_path: Path, plugins) -> None:
    plugins("no_such_toy")
    with pytest.raises(BadRequest, match="no module “no_such_toy”"):
        experiments.experiments()
    (tmp_path / "thief.py").write_text(toy.EXPERIMENT.replace('"brightness"', '"index"'))
    plugins("thief")
    with pytest.raises(BadRequest, match=r"thief has an experiment “index”.*engine\.evaluation\.index"):
        experiments.experiments()


@pytest.mark.parametrize("code", ["import no_such_module", "raise ValueError('the prefix is taken')"])
def test_a_plugin_that_fails_as_it_is_imported_is_named(tmp_path: Path, plugins, code: str) -> None:
    (tmp_path / "toy_that_fails.py").write_text(code)
    plugins("toy_that_fails")
    with pytest.raises(BadRequest, match=r"^plugins: toy_that_fails cannot be imported: \w+Error: .*(no_such|taken)"):
        experiments.import_plugins()


@pytest.mark.parametrize(
    "wrong, told",
    [
        (toy.EXPERIMENT.replace('page="reliance"', 'page="kitchen"'), "“kitchen” is not one of visualize"),
        (toy.EXPERIMENT.replace('title="Brightness"', "title=str(1)"), "toy_wrong cannot be read"),
        (toy.EXPERIMENT.replace('title="Brightness",', ""), "toy_wrong cannot be read"),
    ],
)
def test_a_decorator_that_cannot_be_read_is_told(tmp_path: Path, plugins, wrong: str, told: str) -> None:
    (tmp_path / "toy_wrong.py").write_text(wrong)
    plugins("toy_wrong")
    with pytest.raises(BadRequest, match=told):
        experiments.experiments()


def test_two_classes_of_one_name_are_refused(plugins) -> None:
    plugins()
    with pytest.raises(ValueError, match="two experiments are called “index”"):

        @experiments.experiment(title="Mine", about="Another.", page="spatial")
        class Mine(Request):
            experiment: ClassVar[str] = "index"
            version: ClassVar[int] = 1


def test_a_class_made_in_a_notebook_cell_again_takes_its_own_place(plugins) -> None:
    plugins()

    def cell(version_of_code: int) -> None:
        @experiments.experiment(title="Mine", about="My own.", page="spatial", models=("attention",), data=("masks",))
        class Mine(Request):
            experiment: ClassVar[str] = "mine-for-tests"
            version: ClassVar[int] = version_of_code

    cell(1)
    cell(2)
    mine = experiments.find("mine-for-tests")
    assert mine.kind.version == 2 and mine.needs == ("a model with attention", "images with masks")


def test_what_data_may_be_needed_is_what_data_sets_may_give() -> None:
    from engine.data.dataset import KNOWN

    assert set(get_args(experiments.DataNeed)) == set(KNOWN)
