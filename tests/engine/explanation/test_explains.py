"""An observer that sees a unit's cue understands its picture and its top images; one that does not answers at chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import BadRequest
from engine.core.statistics import student_quantile
from engine.evaluation.index import IndexRequest
from engine.explanation import explains
from engine.explanation.explains import ALL, ONE, OTHER, TOP, ExplainsRequest, blind, paired, watched_by
from engine.explanation.shown import pictures, variants
from tests.engine.explanation.planted import Desk

SITES = ("stages.0.blocks.0", "stages.1.blocks.0")
UNITS = tuple(range(6))


def explained(observer: str, desk: Desk | None = None, **more: object):
    request = ExplainsRequest(model="colours", observer=observer, sites=SITES, units=UNITS, recipes=("brief",), **more)
    return request.run(desk or Desk())


def test_who_sees_the_cue_understands_pictures_and_images(world):
    result = explained("painter")
    pooled = result.tables["layers"].query("site == @ALL", local_dict={"ALL": ALL}).set_index("shown")["accuracy"]
    assert pooled[TOP] == 1 and pooled["brief"] > 0.95 and pooled[f"brief and {TOP}"] > 0.95
    assert pooled[ONE] > 0.9, "one image shows its other colours, too"
    assert result.arrays["pictures_brief"].shape == (12, 32, 32, 3)
    units = result.tables["units"]
    assert set(units["trials"]) == {16} and len(units) == 12 * 6


def test_pictures_of_other_units_explain_nothing(world):
    pooled = explained("painter").tables["layers"].query("site == 'all layers'").set_index("shown")
    for control in (f"{TOP} {OTHER}", f"brief {OTHER}"):
        assert pooled["low"][control] < 0.5 < pooled["high"][control], control


def test_who_cannot_see_the_cue_answers_at_chance(world):
    pooled = explained("weaver").tables["layers"].query("site == 'all layers'").set_index("shown")
    for shown in (TOP, ONE, "brief"):
        assert pooled["low"][shown] < 0.5 < pooled["high"][shown], shown


def test_an_observer_that_tells_nothing_from_top_images_is_not_believed(world):
    unseeing, seeing = explained("weaver"), explained("painter")
    assert blind(seeing) == "" and ExplainsRequest.notes(seeing) == []
    why = blind(unseeing)
    assert "the observer, weaver, is right in" in why and "units of colours at all" in why
    assert "chance is 50%" in why and "would have been seen to be more, in 80% of samples" in why
    assert ExplainsRequest.notes(unseeing) == [why], "the command says it too"


def test_a_network_of_ones_own_is_the_observer_where_there_is_one():
    asked = {"model": "starter-vit", "sites": SITES}
    assert watched_by("my-network", **asked).observed_by == "my-network"
    alone = watched_by("", **asked)
    assert alone.observer == "" and watched_by("starter-cnn", **asked) == watched_by("starter-vit", **asked) == alone


def test_what_silences_a_unit_can_be_shown_too(world):
    pooled = explained("painter", opposite=True).tables["layers"].query("site == 'all layers'").set_index("shown")
    assert pooled["accuracy"][TOP] == 1 and pooled["accuracy"]["brief"] > 0.95


def test_differences_are_from_the_top_images_and_say_what_could_have_been_seen(world):
    differences = explained("painter").tables["differences"].set_index("shown")
    assert abs(differences["difference"]["brief"]) < 0.05 and TOP not in differences.index
    control = differences.loc[f"{TOP} {OTHER}"]
    assert control["high"] < 0 and control["least"] > 0


def test_two_ways_of_showing_units_are_compared_unit_by_unit():
    rows = [("a", 0.9), ("b", 0.6), ("c", 0.8)]
    others = {"a": 0.7, "b": 0.5, "c": 0.4}
    table = pd.DataFrame(
        [{"site": site, "unit": unit, "shown": way, "accuracy": value}
         for site, plus in (("s", 0.0), ("t", 0.1))
         for unit, own in rows
         for way, value in (("fast", own + plus), ("fast of another unit", others[unit]))]
    )  # fmt: skip
    found = paired(table, "fast", f"fast {OTHER}")
    each = np.array([0.2, 0.1, 0.4, 0.3, 0.2, 0.5])
    half = student_quantile(0.975, 5) * each.std(ddof=1) / np.sqrt(6)
    assert found["units"] == 6 and found["difference"] == pytest.approx(each.mean())
    assert (found["low"], found["high"]) == pytest.approx((each.mean() - half, each.mean() + half))
    assert paired(table, f"fast {OTHER}", "fast")["difference"] == pytest.approx(-each.mean())


def test_a_model_does_not_observe_itself(world):
    with pytest.raises(BadRequest, match="its own observer"):
        explained("colours")
    assert ExplainsRequest(model="starter-vit").observed_by == "starter-cnn"
    assert ExplainsRequest(model="starter-cnn").observed_by == "starter-vit"


def test_pictures_are_counted_over_layers_and_recipes_before_anything_is_loaded(configured):
    configured(limits={"units_per_request": 40})
    fits = {"model": "colours", "sites": SITES, "units": UNITS, "recipes": ("a", "b", "c")}
    ExplainsRequest(**fits).check_size()
    for more in (
        {"recipes": ("a", "b", "c", "d")},
        {"sites": (*SITES, "third")},
        {"units": (), "each": 7},
        {"sites": (), "recipes": ("a",)},
        {"units": tuple(range(41)), "sites": SITES[:1], "recipes": ()},
    ):
        with pytest.raises(BadRequest, match="the limit is 40"):
            ExplainsRequest(**{**fits, **more}).check_size()


def test_what_is_asked_by_default_of_a_large_model_is_not_too_much(configured):
    configured()
    ExplainsRequest(model="colours").check_size()


def index_without(desk: Desk, model: str, left_out: int) -> None:
    """The indexes of a model that could not read one file, as a desk holds them."""
    for site in SITES:
        request = IndexRequest(model=model, site=site)
        whole = desk.compute(request)
        arrays = {
            name: np.delete(values, left_out, axis=0) if name in ("images", "position_mean") else values
            for name, values in whole.arrays.items()
        }
        desk.kept[request.key()] = replace(whole, arrays=arrays)


def test_an_image_that_only_the_observer_read_is_left_out_and_all_others_keep_their_answers(world):
    """The strongest images of units are found by number, not by the place where either index has them."""
    desk = Desk()
    index_without(desk, "colours", 0)
    found = explained("painter", desk)
    pooled = found.tables["layers"].query("site == 'all layers'").set_index("shown")["accuracy"]
    assert found.facts["images"] == 119 and pooled[TOP] == 1 and pooled["brief"] > 0.95


def test_an_image_that_the_observer_could_not_read_is_not_asked_about(world):
    desk = Desk()
    index_without(desk, "painter", 0)
    with pytest.raises(BadRequest, match="painter could not read 1 of the 120 images"):
        explained("painter", desk)


def test_a_unit_that_is_not_there_is_refused(world):
    with pytest.raises(BadRequest, match="6 units"):
        ExplainsRequest(model="colours", observer="painter", sites=SITES, units=(6,), recipes=("brief",)).run(Desk())


def test_several_pictures_of_a_unit_are_shown_together(world, monkeypatch):
    """Of two that are the same the observer learns what it learns of one."""

    def twice(model, of, recipe, several, seed, context):
        return np.stack([np.stack(pictures(model, of, recipe, seed, context))] * several, axis=1)

    monkeypatch.setattr(explains, "variants", twice)
    result = explained("painter", several=2)
    accuracy = result.tables["units"].pivot(index=["site", "unit"], columns="shown", values="accuracy")
    assert list(accuracy["2 pictures of brief"]) == list(accuracy["brief"])
    assert "2 pictures of brief" in set(result.tables["differences"]["shown"])


def test_the_several_pictures_are_those_of_the_units_own_page(world, monkeypatch):
    seen = list[tuple[int, ...]]()

    def noted(*given):
        found = variants(*given)
        assert found is not None
        seen.append(found.shape)
        return found

    monkeypatch.setattr(explains, "variants", noted)
    explained("painter", several=2)
    assert seen == [(6, 2, 32, 32, 3)] * 2


def test_several_pictures_count_as_so_many(configured):
    configured(limits={"units_per_request": 40})
    request = ExplainsRequest(model="colours", sites=SITES, units=UNITS, several=2)
    request.check_size()
    with pytest.raises(BadRequest, match="48 pictures requested at once"):
        request.model_copy(update={"several": 3}).check_size()
