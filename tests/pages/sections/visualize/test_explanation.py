"""How the page shows what explains a unit: the finding follows the numbers, and says what could have been seen."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.common.units.view import View
from pages.sections.visualize import explanation
from pages.sections.visualize.explanation import _near

NEAR = {
    "shown": ["natural images", "fast"], "pictures": [64, 40], "distance": [0.13, 0.34], "low": [0.11, 0.32],
    "high": [0.15, 0.36], "frechet": [0.02, 0.4],
}  # fmt: skip
"""Distances of pictures to natural images, and of these to each other."""


def drawn(low: float, high: float, least: float = 0.2, units: int = 8, top: float = 0.9) -> AppTest:
    def script(low: float, high: float, least: float, units: int, top: float) -> None:
        import pandas as pd

        from engine.core.request import Result
        from pages.sections.visualize import explanation
        from tests.pages.sections.visualize.test_explanation import NEAR

        near = pd.DataFrame(NEAR)
        ways = pd.DataFrame(
            {
                "site": "a",
                "shown": ["top images", "fast"],
                "units": units,
                "accuracy": [0.9, 0.75],
                "low": [0.8, 0.6],
                "high": [1, 0.9],
            }
        )
        every = pd.concat([ways.assign(unit=unit, trials=16) for unit in range(units)])
        every.loc[every["shown"] == "top images", "accuracy"] = top
        apart = pd.DataFrame(
            {"shown": ["fast"], "units": units, "difference": -0.15, "low": low, "high": high, "least": least}
        )
        explanation.explains(
            Result(
                {"experiment": "explains", "model": "m", "sites": ["a"], "recipes": ["fast"]},
                tables={"layers": ways, "differences": apart, "units": every, "likeness": near},
                facts={"observer": "starter-cnn"},
            ),
            "key",
        )

    return AppTest.from_function(script, args=(low, high, least, units, top)).run(timeout=120)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (-0.2, -0.1, "Top images explain more."),
        (0.1, 0.2, "The picture explains more."),
        (-0.3, 0.1, "No difference was seen; 8 units would have shown one of 20 points, in 80% of samples."),
    ],
)
def test_the_finding_says_whether_pictures_beat_top_images(low: float, high: float, says: str) -> None:
    app = drawn(low, high)
    assert not app.exception
    text = app.markdown[0].value.replace("\\", "")
    assert "right in 75% (60 to 90%), with top images in 90%" in text and says in text
    assert any("starter-cnn" in caption.value for caption in app.caption)


def test_of_one_unit_nothing_is_said_of_a_difference() -> None:
    nothing = float("nan")
    text = drawn(nothing, nothing, nothing, 1).markdown[0].value.replace("\\", "")
    assert "One unit alone cannot say which explains more." in text and "No difference" not in text


def test_an_observer_that_tells_nothing_from_top_images_says_nothing_of_pictures() -> None:
    app = drawn(-0.2, -0.1, top=0.5)
    text = " ".join(each.value for each in (*app.markdown, *app.caption)).replace("\\", "")
    assert "the observer, starter-cnn, is right in 50.0% (" in text and "says nothing of them" in text
    assert "would have been seen to be more, in 80% of samples" in text
    assert "explain more" not in text and "another unit's" not in text and "No difference" not in text


def with_pictures(units: int) -> AppTest:
    def script(units: int) -> None:
        import numpy as np
        import pandas as pd

        from engine.core.request import Result
        from pages.sections.visualize import explanation

        rows = [
            {
                "site": "a",
                "unit": unit,
                "shown": way,
                "accuracy": (10 if way == "natural" else unit / 2) / 16,
                "trials": 16,
            }
            for way in ("fast", "natural")
            for unit in range(units)
        ]
        arrays = {f"pictures_{way}": np.zeros((units, 8, 8, 3), np.uint8) for way in ("fast", "natural")}
        explanation._pictures(Result({}, arrays, {"units": pd.DataFrame(rows)}), ["fast", "natural"])

    app = AppTest.from_function(script, args=(units,)).run(timeout=120)
    assert not app.exception
    return app


def test_the_pictures_that_the_observer_saw_are_drawn_with_their_right_answers() -> None:
    app = with_pictures(3)
    shown = [image.caption.replace("\\", "") for found in app.image for image in found.proto.imgs]
    assert shown == [f":small[a:{unit} · {right:g} of 16]" for unit, right in ((0, 0), (1, 0.5), (2, 1))] + [
        f":small[a:{unit} · 10 of 16]" for unit in range(3)
    ]
    assert "natural makes, held to the features of the unit's nine top images" in app.caption[1].value


def test_of_many_pictures_the_first_are_drawn_and_it_says_so() -> None:
    app = with_pictures(20)
    assert len(app.image) == 32 and app.caption[0].value.startswith("The first 16 of 20 pictures")


def test_the_views_other_model_is_the_observer_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = list[dict[str, str]]()
    monkeypatch.setattr(explanation.st, "page_link", lambda *given, query_params, **more: followed.append(query_params))
    layer = "blocks.6.mlp.hidden:1,2"
    explanation.links(View.model_validate({"a": f"starter-vit@{layer}", "b": f"starter-clip@image.{layer}"}))
    explanation.links(View.model_validate({"a": f"starter-vit@{layer}"}))
    told = [each.get("observer", "") for each in followed if each["experiment"] == "explains"]
    assert told == ["starter-clip", "starter-vit", ""]


def compared(control: float, natural: float, units: int = 8) -> str:
    """What stands beside the chart where pictures are right in 75 or 85% of a unit's questions, those of another unit and
    `natural` ones in so much more."""

    def script(control: float, natural: float, units: int) -> None:
        import pandas as pd

        from engine.core.request import Result
        from pages.sections.visualize import explanation
        from tests.pages.sections.visualize.test_explanation import NEAR

        near = pd.DataFrame(NEAR)
        right = {"top images": 0.9, "fast": 0.75, "natural": 0.75 + natural, "fast of another unit": 0.75 + control}
        rows = [
            {
                "site": "a",
                "unit": unit,
                "shown": way,
                "accuracy": value + (0.1 if unit % 2 and way == "fast" else 0),
                "trials": 16,
            }
            for unit in range(units)
            for way, value in right.items()
        ]
        ways = pd.DataFrame(
            [
                {"site": "a", "shown": way, "units": units, "accuracy": at, "low": at, "high": at}
                for way, at in right.items()
            ]
        )
        apart = pd.DataFrame(
            [
                {"shown": way, "units": units, "difference": -0.2, "low": -0.3, "high": -0.1, "least": 0.1}
                for way in right
            ]
        )
        explanation.explains(
            Result(
                {"experiment": "explains", "model": "m", "sites": ["a"], "recipes": ["fast", "natural"]},
                tables={"layers": ways, "differences": apart, "units": pd.DataFrame(rows), "likeness": near},
                facts={"observer": "starter-cnn"},
            ),
            "key",
        )

    app = AppTest.from_function(script, args=(control, natural, units)).run(timeout=120)
    assert not app.exception
    return " ".join(caption.value for caption in app.caption).replace("\\", "")


def test_pictures_are_held_against_those_of_other_units_and_recipes_against_each_other() -> None:
    text = compared(control=-0.25, natural=0.2)
    assert "The fast picture is +30 points (26 to 34) above another unit's: so much of it is about the unit." in text
    assert "The natural picture less the fast one: +15 points (11 to 19)." in text and "natural picture is" not in text
    text = compared(control=0.05, natural=0.05)
    assert "not seen to be above another unit's: +0 points (-4 to 4); 8 units would have shown one of 6 points" in text
    assert "The natural picture less the fast one: +0 points (-4 to 4), no difference was seen; 8 units" in text
    assert "less the fast one" not in compared(control=0.05, natural=0.05, units=1)


def way(says: str, part: float, low: float, high: float) -> str:
    """The finding of a result whose pictures have this part of natural images' lead."""

    def script(says: str, part: float, low: float, high: float) -> None:
        import pandas as pd

        from engine.core.request import Result
        from pages.sections.visualize import explanation

        names = ["natural images", "other images", "noise", "fast", "fast of another unit"]
        each = {"units": 4, "similarity": 0.3, "low": 0.2, "high": 0.4}
        curve = pd.DataFrame(
            [{"block": f"b{depth}", "depth": depth, "shown": name, **each} for depth in range(3) for name in names]
        )
        row = {"site": "s", "units": 4, "difference": 0.1, "low": -0.1, "high": 0.3, "wanted": 0.15, "least": 0.2}
        row |= {"part": part, "part_low": low, "part_high": high}
        rows = [{**row, "shown": "natural images", "says": "follows"}, {**row, "shown": "fast", "says": says}]
        request = {"experiment": "layer-paths", "model": "m", "sites": ["s"]}
        explanation.paths(Result(request, tables={"curve": curve, "follows": pd.DataFrame(rows)}), "key")

    app = AppTest.from_function(script, args=(says, part, low, high)).run(timeout=120)
    assert not app.exception
    return app.markdown[0].value.replace("\\", "")


def test_pictures_are_told_by_their_part_of_natural_images_lead_and_flagged_where_it_is_small() -> None:
    text = way("follows", 0.6, 0.45, 0.8)
    assert "0.1 (−0.1 to 0.3) more alike than others', 60% (45 to 80%) of natural images' lead: they follow" in text
    assert "Flagged" not in text
    assert "5% (−5 to 15%) of natural images' lead, less than a sixth. Flagged" in way(
        "does not follow", 0.05, -0.05, 0.15
    )


def test_what_cannot_be_told_of_so_few_units_says_what_could() -> None:
    text = way("cannot be told", 0.3, 0.1, 0.5)
    assert "cannot be told with 4 units: a lead 0.2 above or below it (0.15) would have been" in text
    nothing = float("nan")
    assert "natural images themselves were not seen to lead" in way("cannot be told", 0.3, nothing, nothing)


def test_how_near_pictures_come_to_natural_images_is_drawn_with_what_follows_from_the_intervals() -> None:
    app = drawn(-0.2, -0.1)
    text = " ".join(each.value for each in (*app.markdown, *app.caption)).replace("\\", "")
    assert (
        "fast pictures are farther from natural images than these are from each other (0.34 (0.32 to 0.36) against"
        in text
    )
    assert "here in brackets): natural images 0.02 (64), fast 0.4 (40)." in text


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.10, 0.30, "were not seen to be farther from natural images than these are from each other"),
        (0.02, 0.04, "are nearer to natural images than these are to each other"),
        (float("nan"), float("nan"), "Of so few fast pictures nothing can be said."),
    ],
)
def test_where_intervals_overlap_no_picture_is_called_far(low: float, high: float, says: str) -> None:
    natural = {"shown": "natural images", "distance": 0.13, "low": 0.11, "high": 0.15}
    told = _near({"shown": "fast", "distance": (low + high) / 2, "low": low, "high": high}, natural)
    assert says in told
    assert ("more would have been seen, in 80% of samples" in told) == ("not seen" in says)
