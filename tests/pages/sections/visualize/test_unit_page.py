"""The page of one unit: which picture it shows, and where it leads."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from engine.core.address import Address
from engine.core.request import Result
from pages.common import results
from pages.common.units.rows import Row, request
from pages.common.units.view import View
from pages.sections.visualize import making, unit_page
from tests.pages.opening import VISUALIZATION, opened

WALL = Address("starter-vit", "blocks.6.mlp.hidden", (4, 9, 2))
VIEW = View(a=WALL)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> dict[str, Result]:
    """Results by key, as if they were stored."""
    stored: dict[str, Result] = {}
    monkeypatch.setattr(results, "find", stored.get)
    monkeypatch.setattr(unit_page, "_SEEN", OrderedDict())
    return stored


def alone(unit: int, **more: int) -> View:
    return View(a=Address(WALL.model, WALL.site, (unit,)), **more)


def shown_on_a_wall(there: dict[str, Result]) -> Row:
    row = Row("a", WALL, request(VIEW, WALL))
    there[row.key] = Result({})
    unit_page.note(row)
    return row


def test_a_unit_of_a_wall_that_was_shown_shows_the_walls_picture(there: dict[str, Result]) -> None:
    row = shown_on_a_wall(there)
    assert unit_page.rows_of(alone(9)) == ([row], 1)


def test_a_unit_that_stood_on_the_other_side_stands_on_this_one_alone(there: dict[str, Result]) -> None:
    row = Row("b", WALL, request(VIEW, WALL))
    there[row.key] = Result({})
    unit_page.note(row)
    ((found,), place) = unit_page.rows_of(alone(9))
    assert (found.side, found.key, place) == ("a", row.key, 1)


def test_another_seed_is_another_picture(there: dict[str, Result]) -> None:
    shown_on_a_wall(there)
    (own,), place = unit_page.rows_of(alone(9, seed=1))
    assert own.address.units == (9,) and place == 0


def test_its_own_result_comes_first_and_one_that_is_gone_is_not_shown(there: dict[str, Result]) -> None:
    row = shown_on_a_wall(there)
    own = request(alone(9), Address(WALL.model, WALL.site, (9,)))
    there[own.key()] = Result({})
    assert unit_page.rows_of(alone(9))[0][0].address.units == (9,)
    there.clear()
    assert unit_page.rows_of(alone(9))[0][0] != row


def test_several_units_are_a_wall(there: dict[str, Result]) -> None:
    assert unit_page.rows_of(VIEW)[1] is None and unit_page.rows_of(alone(4).but(b=WALL))[1] is None


def test_a_surprise_is_another_unit_and_one_whose_picture_is_there_where_there_is_one(there: dict[str, Result]) -> None:
    assert {unit_page.surprise(alone(0), 0, 3).a.units for _ in range(20)} == {(1,), (2,)}
    there[request(alone(7), alone(7).a).key()] = Result({})
    assert {unit_page.surprise(alone(0), 0, 12).a.units for _ in range(5)} == {(7,)}


def test_a_picture_of_a_stopped_job_is_shown_though_its_row_is_not_there(there: dict[str, Result]) -> None:
    from engine.visualization.single import PictureRequest

    picture = {"image": np.ones((4, 4, 3), np.uint8), "curve": np.float32([1, 2.5])}
    asked = PictureRequest(model=WALL.model, site=WALL.site, wanted="9", recipe=VIEW.recipe, seed=0)
    there[asked.key()] = Result({}, picture)
    kept = making.kept(Row("a", WALL, request(VIEW, WALL)))
    assert list(kept) == [1] and kept[1].made is not None and kept[1].made.activation == 2.5


def test_a_link_to_a_unit_leads_to_its_neighbours_around_the_layers_ends() -> None:
    app = opened(VISUALIZATION, a="starter-vit@blocks.6.mlp.hidden:767", seed="987654")
    assert not app.exception and not app.error
    links = [each.proto.label for each in app.get("page_link")]
    assert "Unit 766" in links and "Unit 0" in links
    assert [button.label for button in app.button if button.key == "fv_surprise"] == ["Surprise me"]
