"""Text that came with a link or a file is shown as it is: nothing in it becomes a picture, a link or a directive."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.address import Address
from engine.core.request import Result
from engine.people.person import Person
from pages.common import errors, results, who
from tests.conftest import ROOT

ADDRESS = Address.parse("starter-clip@head.embedding:says(%21[x]%28https%3A//evil.example/p.png%29)")
SHOWN = r"Text “\!\[x\]\(https\://evil.example/p.png\)”"


def of_a_link(key: str) -> Result:
    """The result of the link's target, with no more in it than a card shows."""
    row = {
        "unit": ADDRESS.targets[0],
        "activation": 1.0,
        "activation_low": 0.9,
        "activation_high": 1.1,
        "margin": 0.5,
        "control": "blank",
        "percentile": 99.0,
        "ratio_to_best_scene": 2.0,
        "ratio_low": 1.9,
        "ratio_high": 2.1,
        "ratio_as_is": 2.0,
        "failed": False,
    }
    arrays = {"images": np.zeros((1, 8, 8, 3), np.uint8), "curves": np.zeros((1, 3), np.float32)}
    arrays |= {"target_values": np.zeros((1, 9), np.float32), "target_top": np.arange(6)[None]}
    request = {"experiment": "visualize", "model": ADDRESS.model, "site": ADDRESS.site, "units": []}
    facts = {"images": 1_000, "augmented": 100, "could_be_stronger": 0.03}
    return Result(request | {"targets": [*ADDRESS.targets]}, arrays, {"units": pd.DataFrame([row])}, facts)


def card() -> None:
    from pages.sections.visualize import unit_card
    from tests.pages.common.test_errors import ADDRESS

    unit_card.draw(unit_card.Shown("a", ADDRESS, "key", "", "starter", (96, 96), False), 0)


def test_a_links_text_is_the_title_of_its_card_and_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_result", of_a_link)
    app = AppTest.from_function(card, default_timeout=60).run()
    assert not app.exception
    assert f"**{SHOWN}**" in [each.value for each in app.markdown]
    assert not [each.value for each in (*app.markdown, *app.caption) if "![x](" in each.value]


def test_code_goes_on_to_its_end_whatever_is_in_it() -> None:
    assert errors.code("m@s:says(` ![x](y) `)\n\n# big") == "`m@s:says(ˋ ![x](y) ˋ) # big`"


LOST = f"{ROOT}/secret/weights.npy cannot be read."


def everywhere() -> None:
    """Each place that says what went wrong or goes on, by itself."""
    import pytest
    import streamlit as st

    from engine.core import config
    from engine.jobs.progress import Snapshot
    from engine.models import catalog
    from pages.common import errors, job_panel
    from pages.sections.collections import state
    from pages.sections.home import status
    from tests.pages.common.test_errors import LOST

    def lost(*_: object) -> None:
        raise errors.VitrineError(LOST)

    told = {
        "failed": Snapshot("failed", error=LOST, stages=((0.0, LOST),)),
        "odd": Snapshot("done", warning=LOST),
    }
    job_panel._say_what_ended(told, dict.fromkeys(told, "It"))
    st.caption(job_panel.running_text(Snapshot("running", message=LOST)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.store(), "problems", lambda: [LOST])
        patch.setattr(catalog.pool(), "keys", lambda: ())
        status._details(status._device())
    with errors.shown():
        lost()
    state.attempt(lost)


@pytest.mark.parametrize("role", ["viewer", "member", "operator"])
def test_where_things_lie_on_the_disk_is_for_operators(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    monkeypatch.setattr(who, "person", lambda: Person("p", "P", role))  # type: ignore[arg-type]
    app = AppTest.from_function(everywhere, default_timeout=60).run()
    assert not app.exception
    kinds = (app.error, app.warning, app.caption, app.toast)
    said = [each.value for kind in kinds for each in kind if "cannot be read" in each.value]
    assert len(said) == 7
    assert all((errors.escape(str(ROOT)) in each) == (role == "operator") for each in said), said


def test_no_page_shows_what_went_wrong_as_it_is() -> None:
    asis = re.compile(
        r"escape\((str\((error|refusal)\)|[\w.]*\.(error|warning|message|note)\b|problem|reason|failed)\)"
    )
    files = [*ROOT.glob("pages/**/*.py")]
    assert len(files) > 50
    assert [str(file) for file in files if asis.search(file.read_text(encoding="utf-8"))] == []


def test_an_address_of_a_unit_is_no_e_mail_address() -> None:
    shown = errors.escape("starter-vit@blocks.6.mlp.hidden:3")
    assert shown.replace("\\", "") == f"starter-vit@{errors.UNSEEN}blocks.6.mlp.hidden:3"
    copied = Address.parse(shown.replace("\\", ""))
    assert (copied.model, copied.site, copied.units) == ("starter-vit", "blocks.6.mlp.hidden", (3,))
    assert errors.UNSEEN in errors.escape("starter-cnn@head.logits")
    assert errors.UNSEEN not in errors.escape("ann@uni.edu, @ noon")
