"""The language of targets: every text prints as it parses, and what is none is refused in one sentence."""

from __future__ import annotations

import re
from re import _parser as sre  # type: ignore[attr-defined]
from re._constants import ASSERT, ASSERT_NOT, MAX_REPEAT, MIN_REPEAT  # type: ignore[import-not-found]

import pytest

from engine.core import address, targets
from engine.core.address import Address, parse_selection
from engine.core.errors import BadRequest
from engine.core.targets import MAX_TERMS, MAX_TEXT, Part, Target, Term, parse_target, text_target

DIGEST = "0f3a9c51e2b47d68"
TEXTS = [
    "120@3x5",
    "head2",
    "head0@1x1",
    f"dir-{DIGEST}",
    f"dir-{DIGEST}@0x7",
    "(3-7)",
    "(-3+7)",
    "(0.5*120+2*head1-7@0x0)",
    f"(dir-{DIGEST}-0.25*3)",
    "(2*5)",
    "match:17",
    f"match:up-{DIGEST}",
    "caricature:0",
    "says(a red boat)",
    "says(red%2C blue %28or%29 50%25 wool%40home%3A)",
    "says(红色的船)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_target_prints_as_it_parses(text):
    assert str(parse_target(text)) == text
    assert parse_target(str(parse_target(text))) == parse_target(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (" ( 3 - 7 ) ", "(3-7)"),
        ("(+3-7)", "(3-7)"),
        ("(0.50*3)", "(0.5*3)"),
        ("(1*3)", "3"),
        ("(head2)", "head2"),
        ("007@01x02", "7@1x2"),
        ("match:007", "match:7"),
        ("invert:007", "match:7"),
        ("text(red, blue)", "says(red%2C blue)"),
        (" says(  a red\n boat ) ", "says(a red boat)"),
        ("says(red, (or) blue)", "says(red%2C %28or%29 blue)"),
        ("says(%61 boat)", "says(a boat)"),
        ("says(100% wool)", "says(100%25 wool)"),
    ],
)
def test_equal_targets_have_one_text(text, same):
    assert str(parse_target(text)) == same


@pytest.mark.parametrize(
    ("text", "units", "targets"),
    [
        ("1,(2+7),3", (1, 3), ("(2+7)",)),
        ("says(red, blue),5", (5,), ("says(red%2C blue)",)),
        ("(2+7),head1,120@3x5,4-6", (4, 5, 6), ("(2+7)", "head1", "120@3x5")),
    ],
)
def test_commas_inside_brackets_separate_nothing(text, units, targets):
    assert parse_selection(text) == (units, targets)


@pytest.mark.parametrize("text", ["," * 30_000, "(" + "," * 30_000, "(1" + " " * 30_000 + "1)"])
def test_a_long_selection_is_refused_at_once(text):
    with pytest.raises(BadRequest):
        parse_selection(text)


@pytest.mark.parametrize("text", ["1,(2 + 7),3", "text(red, blue),5", "head1 ,dir-0f3a9c51e2b47d68,120@3x5"])
def test_a_selection_is_read_in_steps_that_grow_with_its_length(text, monkeypatch):
    """On paper: no pattern that is looked for all over the text looks ahead, or begins with a run of any length. Either would
    start anew at each place, and a link of 30,000 commas or spaces would keep the server busy."""
    sought: list[str] = []

    class Seen:
        def __getattr__(self, name):
            def call(pattern, *rest, **named):
                sought.extend([pattern] if name in ("finditer", "split", "sub", "search", "findall") else [])
                return getattr(re, name)(pattern, *rest, **named)

            return call

    for module in (address, targets):
        monkeypatch.setattr(module, "re", Seen())
    parse_selection(text)
    assert sought
    for pattern in sought:
        steps = list(sre.parse(pattern))
        assert {step[0] for step in steps}.isdisjoint({ASSERT, ASSERT_NOT}), pattern
        assert steps[0][0] not in (MAX_REPEAT, MIN_REPEAT), pattern


def test_a_sum_is_what_it_says():
    assert parse_target("(2*120@3x5-head1)") == Target(
        (Term(2.0, Part("unit", 120, "", (3, 5))), Term(-1.0, Part("head", 1)))
    )


@pytest.mark.parametrize(
    "text",
    ["()", "(3-)", "(3 7)", "(3--7)", "(3@1)", "head", "headx", "dir-xyz", f"dir-{DIGEST}0", "(3", "3)", "3@1x",
     "match:", "match:up-1", "match:../x", "caricature:-1", "(1e3*4)", "((3))", "(3,7)", "(match:1)"],
)  # fmt: skip
def test_what_is_no_target_is_refused_with_the_forms_there_are(text):
    with pytest.raises(BadRequest, match=r"is not a target\. Write 120@3x5"):
        parse_target(text)


def test_a_weight_of_zero_and_a_sum_without_end_are_refused():
    with pytest.raises(BadRequest, match="multiplies a term by 0"):
        parse_target("(0.0*3+4)")
    with pytest.raises(BadRequest, match=f"at most {MAX_TERMS}"):
        parse_target(f"({'+'.join(map(str, range(MAX_TERMS + 1)))})")


def test_what_belongs_to_a_place_knows_it():
    placed = [text for text in TEXTS if parse_target(text).placed]
    assert placed == [
        text for text in TEXTS if "@" in text or text.startswith(("match", "caricature"))
    ]  # fmt: skip


def test_an_address_holds_units_and_targets_and_prints_as_it_parses():
    text = f"starter-vit@blocks.5.attn.query:0-7,12,120@3x5,head2,(3-0.5*7),dir-{DIGEST},match:17"
    address = Address.parse(text)
    assert str(address) == text
    assert address.units == (*range(8), 12)
    assert address.names == (*range(8), 12, "120@3x5", "head2", "(3-0.5*7)", f"dir-{DIGEST}", "match:17")


def test_units_come_first_and_a_target_that_is_one_unit_is_that_unit():
    assert parse_selection("head2, 3, (1*5), head2") == ((3, 5), ("head2",))
    assert parse_selection("head2") == ((), ("head2",))
    assert str(Address.parse("m@s:head1,4,0")) == "m@s:4,0,head1"


def test_addresses_with_targets_sort_after_those_without():
    texts = ["m@s:0,head1", "m@s:0", "m@s:0,head0", "m@s:1"]
    assert [str(each) for each in sorted(map(Address.parse, texts))] == ["m@s:0", "m@s:0,head0", "m@s:0,head1", "m@s:1"]


def test_a_range_is_a_range_outside_brackets_and_a_difference_inside():
    assert parse_selection("3-7") == ((3, 4, 5, 6, 7), ())
    assert parse_selection("(3-7)") == ((), ("(3-7)",))


def test_a_text_is_kept_as_it_was_written_whatever_is_in_it():
    for text in ("a (red), boat: 50% off @home * 2", "says(x)", "%2C", "a/b?c&d=e#f", "naïve 船"):
        target = text_target(text)
        assert target.text == text and parse_target(str(target)) == target and not target.placed and target.unit is None
        assert Address.parse(f"m@head.embedding:3,{target}").targets == (str(target),)


def test_commas_inside_brackets_do_not_cut_a_text_apart():
    assert parse_selection("says(red, blue), 3, (1+2)") == ((3,), ("says(red%2C blue)", "(1+2)"))


def test_no_text_and_too_much_text_are_refused():
    with pytest.raises(BadRequest, match=r"no text in text\(...\)"):
        parse_target("says( %20 )")
    with pytest.raises(BadRequest, match=f"has {MAX_TEXT + 1} characters"):
        parse_target(f"says({'x' * (MAX_TEXT + 1)})")


@pytest.mark.parametrize("canonical", TEXTS)
def test_what_people_see_reads_back_as_the_canonical_target(canonical):
    target = parse_target(canonical)
    assert parse_target(target.written) == target
    assert not target.written.startswith(("match:", "says("))


def test_a_selection_is_shown_in_the_fields_words_and_keeps_its_address():
    address = Address.parse("m@head.embedding:3,match:17,says(a, b),head1")
    assert address.written == "3,invert:17,text(a%2C b),head1"
    assert str(Address("m", "head.embedding", *parse_selection(address.written))) == str(address)
