"""What stands below the choice of a data set and of a model: how their files are read."""

from __future__ import annotations

from pathlib import Path

import torch
from streamlit.testing.v1 import AppTest

from tests.engine.world import png, scene, write


def drawn() -> None:
    from engine.core.request import Result
    from pages.common import widgets

    widgets.say_how_data_is_read("mine")
    widgets.say_how_data_is_read("nowhere")
    widgets.say_how_model_is_read("local/run", None, "starter-vit", "nobody")
    widgets.say_cut_texts(Result({}, facts={"cut": {"a [long] text": "a [long]"}}))


def test_how_files_are_read_is_said_where_they_are_chosen(tmp_path: Path, configured) -> None:
    configured(models_toml="models.toml", data_folders={"mine": "mine"})
    for name in ("train/cat/a", "val/cat/b", "val/dog/c"):
        write(tmp_path / f"mine/{name}.png", png(scene(0)))
    weights = {"head.weight": torch.zeros(2, 3)}
    torch.save({"model": weights, "model_ema": weights}, tmp_path / "run.pth")
    write(
        tmp_path / "models.toml",
        '[[model]]\nname = "run"\narchitecture = "vit_small_patch16_224"\nweights = "run.pth"\n',
    )
    app = AppTest.from_function(drawn, default_timeout=60).run()
    told = "\n".join(each.value for each in app.markdown)
    assert not app.exception
    assert "only val is read" in told
    assert "(model_ema, model) model_ema is read" in told.replace("\\", "")
    assert "mean 0.5 0.5 0.5" in told.replace("\\", "")
    assert r"of “a \[long\] text” it read only" in told.lower() or "it read only" in told
    assert "starter-vit" not in told and "nobody" not in told


def test_a_result_of_texts_that_fit_says_nothing() -> None:
    def empty() -> None:
        from engine.core.request import Result
        from pages.common import widgets

        widgets.say_cut_texts(Result({}, facts={}))
        widgets.say_cut_texts(Result({}, facts={"cut": {}}))

    app = AppTest.from_function(empty).run()
    assert not app.exception and not app.markdown


def test_what_one_may_write_stands_as_it_is_written_in_a_recipes_sentence() -> None:
    from pages.common.widgets import _with_names

    assert _with_names("For `invert:` targets: slow.") == "For `invert:` targets\\: slow."
    assert _with_names("As `fast`, [without] colour.") == "As `fast`, \\[without\\] colour."
