"""Addresses: they print as they parse, and what is no address is refused in one sentence."""

from __future__ import annotations

import pytest

from engine.core.address import MAX_UNITS, Address, format_units, parse_units
from engine.core.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("5", (5,)),
        ("0-3", (0, 1, 2, 3)),
        ("0:3", (0, 1, 2)),
        (" 7 , 3 ", (7, 3)),
        ("0-2,9,11-12", (0, 1, 2, 9, 11, 12)),
        ("4,4,4-5", (4, 5)),
        ("3-3", (3,)),
    ],
)
def test_units_are_read_as_written_in_their_order(text, units):
    assert parse_units(text) == units


def test_units_that_are_named_twice_count_once():
    assert parse_units("0-7,0-7,3-9", 10) == tuple(range(10))
    with pytest.raises(BadRequest, match="at most 10"):
        parse_units("0-7,3-10", 10)


@pytest.mark.parametrize(
    ("units", "text"),
    [((0, 1, 2, 3), "0-3"), ((0, 1), "0,1"), ((9, 3, 4, 5), "9,3-5"), ((7,), "7"), ((2, 1, 0), "2,1,0"), ((), "")],
)
def test_runs_of_three_or_more_print_as_ranges(units, text):
    assert format_units(units) == text


@pytest.mark.parametrize("text", ["a", "1.5", "-1", "1--3", "1:2:3", "1-", ":4", "0x10", "1e3", "9999999999", "1;2"])
def test_what_is_no_unit_is_refused_with_what_was_written(text):
    with pytest.raises(BadRequest, match="is not a unit or a range of units"):
        parse_units(text)


@pytest.mark.parametrize("text", ["", " ", ","])
def test_no_units_at_all_are_refused(text):
    with pytest.raises(BadRequest, match="No units given"):
        parse_units(text)


@pytest.mark.parametrize("text", ["0:10000", "0-999999999", ",".join(map(str, range(1025))), "0-600,1000-1600"])
def test_too_many_units_are_refused_without_listing_them(text):
    with pytest.raises(BadRequest, match=f"at most {MAX_UNITS}"):
        parse_units(text)


def test_an_address_parses_and_prints_the_same():
    for text in (
        "starter-vit@blocks.5.mlp.hidden:120",
        "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k@head.logits:0-7,12",
    ):
        assert str(Address.parse(text)) == text
    address = Address.parse(" starter-vit@blocks.5.mlp.hidden:0:16 ")
    assert (address.model, address.site, address.units) == ("starter-vit", "blocks.5.mlp.hidden", tuple(range(16)))


@pytest.mark.parametrize("text", ["", "starter-vit", "starter-vit@blocks.5", "@blocks.5:3", "starter-vit@:3", "a:3@b"])
def test_what_is_no_address_is_refused_with_an_example(text):
    with pytest.raises(BadRequest, match=r"is not an address\. Write model@site:units"):
        Address.parse(text)


def test_a_long_piece_of_garbage_is_quoted_in_short():
    with pytest.raises(BadRequest) as refusal:
        Address.parse("x" * 10_000)
    assert len(str(refusal.value)) < 250


def test_addresses_sort_by_model_then_site_then_units():
    texts = ["b@a:1", "a@b:0", "a@a:2", "a@a:0,1"]
    assert [str(address) for address in sorted(map(Address.parse, texts))] == ["a@a:0,1", "a@a:2", "a@b:0", "b@a:1"]


@pytest.mark.parametrize("text", ["7-3", "0:0", "1,7-3"])
def test_an_empty_range_is_refused_and_not_passed_over(text):
    with pytest.raises(BadRequest, match="is empty"):
        parse_units(text)
