"""Notes of others hold no image: whoever reads a page asks for nothing that a note names."""

from __future__ import annotations

import random

import pytest
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from pages.common.keeping import notes

OUT = "/auth/logout"
"""What an image could ask for in a reader's name: the browser sends their cookie along."""


def images(text: str) -> list[str]:
    """The addresses of all images of a note, as CommonMark reads it."""
    found = []
    waiting = MarkdownIt("commonmark", {"html": False}).enable("table").parse(text)
    while waiting:
        token = waiting.pop()
        waiting += token.children or []
        found += [str(token.attrs["src"])] if token.type == "image" else []
    return found


@pytest.mark.parametrize(
    "note",
    [
        f"![x]({OUT})",
        f"!![x]({OUT})",
        f"!!!!![x]({OUT})",
        f"\\!![x]({OUT})",
        f"\\\\![x]({OUT})",
        f"&#33;![x]({OUT})",
        f"[![x]({OUT})](https://good.example)",
        f"![![x]({OUT})]({OUT})",
        f"!![x][out]\n\n[out]: {OUT}",
        f"!![out][]\n\n[out]: {OUT}",
        f"![out]\n\n[out]: {OUT}",
        f"| a |\n| - |\n| !![x]({OUT}) |",
    ],
)
def test_no_way_to_write_an_image_makes_one(note: str) -> None:
    assert set(images(note)) == {OUT}, "it is an image as it stands"
    assert images(notes.harmless(note)) == [] and "![" not in notes.harmless(note)


def test_no_order_of_its_signs_makes_an_image() -> None:
    signs, draws = ["!", "[", "]", f"({OUT})", "\\", "x", " ", "\n", "\u200b", "\ufeff", "\0", "`"], random.Random(0)
    texts = ["".join(draws.choices(signs, k=12)) + f"![x]({OUT})" for _ in range(300)]
    assert any(images(text) for text in texts)
    assert [text for text in texts if images(notes.harmless(text))] == []


@pytest.mark.parametrize(
    "note", [f'<img src="{OUT}">', f"!\u200b[x]({OUT})", f"! [x]({OUT})", f"!&#91;x]({OUT})", f"!\\[x]({OUT})"]
)
def test_what_only_looks_like_an_image_is_left_as_it_is(note: str) -> None:
    assert images(note) == [] and notes.harmless(note) == note


def test_links_and_all_else_stay() -> None:
    note = "**Round** things! See [this](https://good.example) and [out](/auth/logout).\n\n- one!\n- two"
    assert notes.harmless(note) == note


def test_a_note_is_drawn_without_its_images() -> None:
    def page() -> None:
        from pages.common.keeping import notes

        notes.draw("!![x](/auth/logout)")
        notes.draw("")

    assert [shown.value for shown in AppTest.from_function(page).run().markdown] == ["[x](/auth/logout)"]
