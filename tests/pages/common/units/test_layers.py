"""Layers beside the one that was picked: of the same role, from the image to the head, with the units that they have."""

from __future__ import annotations

import pytest

from engine.core.address import Address
from engine.core.errors import BadRequest, VitrineError
from engine.models.catalog import sites_of
from pages.common.units import layers as layers_
from pages.common.units.layers import MAX_ROWS, check, side_by_side, through_depth

MODEL, SITE = "starter-vit", "blocks.6.mlp.hidden"


@pytest.mark.parametrize("most", [3, 5, MAX_ROWS])
def test_the_depth_goes_from_the_first_to_the_last_layer_of_the_role(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers_, "MAX_ROWS", most)
    alike = [site.name for site in sites_of(MODEL).values() if site.role == "mlp.hidden"]
    layers = [address.site for address in through_depth(Address(MODEL, SITE, (0, 3)))]
    assert len(layers) == min(len(alike), most)
    assert layers == [name for name in alike if name in layers] and (layers[0], layers[-1]) == (alike[0], alike[-1])


def test_layers_that_have_fewer_units_show_those_that_they_have() -> None:
    widths = {site.name: site.units for site in sites_of("starter-cnn").values() if site.role == "stage.block"}
    last = [*widths][-1]
    first = min(widths.values())
    assert first < widths[last]
    shown = {
        address.site: address.units for address in through_depth(Address("starter-cnn", last, (0, widths[last] - 1)))
    }
    assert {units for name, units in shown.items() if widths[name] == first} == {(0,)}
    assert shown[last] == (0, widths[last] - 1)
    alone = through_depth(Address("starter-cnn", last, (widths[last] - 1,)))
    assert all(widths[address.site] == widths[last] for address in alone), "a layer without any is left out"


def test_the_sites_of_a_block_stand_side_by_side_in_order() -> None:
    sites = sites_of(MODEL)
    beside = [address.site for address in side_by_side(Address(MODEL, SITE, (0,)))]
    assert beside == [name for name, site in sites.items() if site.block == sites[SITE].block]
    assert SITE in beside and len(beside) > 3


@pytest.mark.parametrize(
    ("site", "wanted", "told"),
    [
        ("blocks.99.mlp.hidden", {"units": (0,)}, "blocks.99.mlp.hidden"),
        (SITE, {"units": (0, 99_999)}, "there is no unit 99999"),
        (SITE, {"targets": ("head1",)}, "head"),
    ],
)
def test_what_a_model_does_not_have_is_refused(site: str, wanted: dict, told: str) -> None:
    with pytest.raises(VitrineError, match=told):
        check(Address(MODEL, site, **{"units": (), **wanted}))
    check(Address(MODEL, SITE, (0,)))


def test_too_many_units_are_refused_with_the_limit() -> None:
    with pytest.raises(BadRequest, match=r"1025 units were requested at once; the limit is \d+\. Request fewer\."):
        check(Address(MODEL, SITE, tuple(range(1025))))
