"""The line under Run: what is not there in words, how long it takes, how far it is, and what came out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.address import Address
from engine.core.request import Made, Result
from engine.jobs.progress import Snapshot
from pages.common import results
from pages.common.units.rows import Row, request
from pages.common.units.view import View
from pages.sections.visualize import making

A, B = Address("starter-vit", "blocks.6.mlp.hidden", (0, 1, 2)), Address("starter-cnn", "stages.2.blocks.1", (0, 1, 2))
VIEW = View(a=A, b=B)
ROWS = [Row("a", A, request(VIEW, A)), Row("b", B, request(VIEW, B))]
PICTURE = np.zeros((4, 4, 3), np.uint8)


def pictures(model: str, ratios: list[float], failed: list[bool]) -> Result:
    table = {"unit": range(len(ratios)), "ratio_to_best_scene": ratios, "failed": failed}
    times = {"seconds": 25.6, "scoring_seconds": 3.0}
    facts = {"recipe": {"steps": 128, "copies": 2}}
    return Result({"model": model}, {}, {"units": pd.DataFrame({**table, **times})}, facts)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> dict[str, Result]:
    """Results by key, as if they were stored."""
    stored: dict[str, Result] = {}
    monkeypatch.setattr(results, "find", stored.get)
    monkeypatch.setattr(making, "_PACES", {})
    return stored


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        (ROWS, "units 0 to 2 of both models"),
        (ROWS[:1], "units 0 to 2 of starter-vit"),
        (
            [Row("a", four := Address(A.model, A.site, (4,)), request(VIEW, four)), ROWS[1]],
            "unit 4 of starter-vit and units 0 to 2 of starter-cnn",
        ),
        ([Row("a", one := Address(A.model, A.site, (7,)), request(VIEW, one))], "its picture"),
    ],
)
def test_what_is_not_there_is_said_as_a_person_would(absent: list[Row], said: str) -> None:
    assert making.what(VIEW, absent) == said


def test_twice_the_units_take_twice_as_long_and_a_layer_that_is_indexed_takes_less(there: dict[str, Result]) -> None:
    def row(count: int) -> Row:
        address = Address(A.model, A.site, tuple(range(count)))
        return Row("a", address, request(VIEW, address))

    without = making.seconds(row(4))
    there[making.index_request(A, "starter").key()] = pictures(A.model, [], [])
    assert making.seconds(row(8)) == pytest.approx(2 * making.seconds(row(4)))
    assert making.seconds(row(4)) < without


def test_how_long_is_told_by_what_the_models_pictures_took_here(there: dict[str, Result]) -> None:
    there[making.index_request(A, "starter").key()] = pictures(A.model, [], [])
    making.note(pictures(A.model, [2.0], [False]))
    assert making.seconds(ROWS[0]) == pytest.approx(3 * (25.6 + 3.0))


def test_a_card_says_how_far_its_own_picture_is() -> None:
    made = {"0": Made(PICTURE, 1.5, True), "1": Made(PICTURE)}
    growing = making.growing(ROWS[0], Snapshot("running", step=128 + 32, total=256, made=made))
    assert "Is being scored" in growing[0].text and growing[0].made is made["0"]
    assert growing[1].text == "Making 25%" and growing[1].made is made["1"]
    assert growing[2].text == "Waits for its turn" and growing[2].made is None


def test_who_does_not_want_to_see_pictures_grow_sees_them_when_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "watched", lambda: "off")
    made = {"0": Made(PICTURE, 1.5, True), "1": Made(PICTURE)}
    growing = making.growing(ROWS[0], Snapshot("running", step=128 + 32, total=256, made=made))
    assert growing[0].made is made["0"] and growing[1].made is None and growing[1].text == "Making 25%"
    paces = [making.WATCHED[how][1] for how in ("often", "seldom")]
    assert paces[0] < 1 < paces[1], "in words: every second, and every ten"


def test_progress_is_that_of_all_rows_together(there: dict[str, Result]) -> None:
    running = {ROWS[1].key: Snapshot("running", step=1, total=2, message="Pictures")}
    assert making.progress(running, {row.key: row for row in ROWS})[0] == 0.25
    there[ROWS[0].key] = pictures(A.model, [2.0], [False])
    share, text = making.progress(running, {row.key: row for row in ROWS})
    assert share == 0.75 and text.startswith("starter-cnn") and "Pictures" in text


def test_what_stopped_does_not_count_as_done(there: dict[str, Result]) -> None:
    assert (
        making.progress({ROWS[0].key: Snapshot("cancelled", step=9, total=9)}, {row.key: row for row in ROWS})[0] == 0
    )


def test_the_finding_counts_the_pictures_that_succeed_and_names_the_strongest_of_them(there: dict[str, Result]) -> None:
    there[ROWS[0].key] = pictures(A.model, [2.0, 9.0, 1.0], [False, True, False])
    there[ROWS[1].key] = pictures(B.model, [3.0, 1.0, 2.0], [False, False, False])
    told = making.finding(ROWS)
    assert told.startswith("**5 of 6 pictures excite their units more than noise, blanks and nearly all images do.**")
    assert told.endswith("3× what its strongest image gives: unit 0 of starter-cnn.")


def test_a_ratio_to_what_may_be_nothing_is_not_the_most(there: dict[str, Result]) -> None:
    there[ROWS[0].key], there[ROWS[1].key] = (
        pictures(A.model, [95.9], [False]),
        pictures(B.model, [3.0, 2.0], [False] * 2),
    )
    there[ROWS[0].key].tables["units"]["ratio_low"] = -39.5
    assert making.finding(ROWS).endswith("3× what its strongest image gives: unit 0 of starter-cnn.")


def test_one_picture_is_told_apart_from_many(there: dict[str, Result]) -> None:
    there[ROWS[0].key] = pictures(A.model, [2.0], [False])
    assert (
        making.finding(ROWS[:1]) == "**The picture excites its unit more than noise, blanks and nearly all images do.**"
    )
    there[ROWS[0].key] = pictures(A.model, [2.0], [True])
    assert "no evidence" in making.finding(ROWS[:1])


def test_before_cancelling_one_reads_what_stays_and_what_goes_on() -> None:
    def page() -> None:
        from types import SimpleNamespace
        from typing import Any

        from engine.jobs.progress import Snapshot
        from pages.sections.visualize import making
        from tests.pages.sections.visualize.test_making import ROWS

        now = {ROWS[0].key: Snapshot("running", step=1, total=2, kept=3, persons=2)}
        batch: Any = SimpleNamespace(stopped=False, advance=lambda _: None, snapshots=lambda _: now)
        batch.coming = lambda *_: set(now)
        shown: Any = SimpleNamespace(key="fv_{}".format)
        making._running(shown, ROWS, batch)

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception and app.button[0].label == "Cancel"
    (told,) = [each.value for each in app.caption]
    assert (
        told.startswith("3 pictures finished so far: kept if you cancel.") and "Another person wants this too" in told
    )
