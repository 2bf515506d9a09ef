"""A collection as an HTML page: its pictures inside, and nothing in it that runs or fetches, whatever the notes say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from engine.sharing import collections, document, markdown
from tests.engine.sharing.conftest import ANNA, BEN, KEY, stored, unit
from tests.engine.sharing.test_history import VIT, plant

HOSTILE = """<script>alert(1)</script> <img src=x onerror=alert(1)> ![a](http://elsewhere.example/a.png)
[b](javascript:alert(1)) [c](data:text/html,x) [d](vbscript:x) [e]( JaVaScRiPt:alert(1)) <javascript:alert(1)>
[f](//elsewhere.example) [g](https://good.example "onmouseover=alert(1)") <https://good.example/>
![h][ref]

[ref]: http://elsewhere.example/b.png
<iframe src="http://elsewhere.example"></iframe>
"""


class Tags(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page(note: str = "", title: str = "Unit 1", address: str = "") -> str:
    stored()
    mine = collections.create(ANNA, title[:200], note)
    collections.add(mine.id, ANNA, [unit(1, title=title)], [note])
    return document.page(collections.find(mine.id, ANNA), address)


@pytest.mark.parametrize("installed", [True, False])
def test_hostile_notes_neither_run_nor_fetch(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not installed:
        monkeypatch.setattr(markdown, "_renderer", lambda: None)
    tags = Tags(page(HOSTILE, "<script>alert(2)</script>")).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "iframe", "object", "embed", "link", "form", "base"})
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    sources = [attributes["src"] for tag, attributes in tags if "src" in attributes]
    assert sources and all(str(source).startswith("data:image/png;base64,") for source in sources)
    leads = {str(attributes["href"]) for _, attributes in tags if "href" in attributes}
    # An image becomes a link to it, which nobody follows unasked.
    images = {"http://elsewhere.example/a.png", "http://elsewhere.example/b.png"}
    assert leads == ({"https://good.example", "https://good.example/", *images} if installed else set())


def test_the_page_forbids_everything_but_its_own_pictures_and_style() -> None:
    (policy,) = [found["content"] for tag, found in Tags(page()).found if found.get("http-equiv")]
    assert str(policy).startswith("default-src 'none'; img-src data:")
    assert not re.search(r"(src|href)=\"?(https?:)?//", page())


def test_notes_are_formatted_and_items_lead_back_to_the_server() -> None:
    text = page("It is **round**.\n\n- one\n- two", address="https://v.example.org/")
    assert "<strong>round</strong>" in text and "<li>one</li>" in text
    (link,) = [found["href"] for tag, found in Tags(text).found if tag == "a"]
    assert link == "https://v.example.org/feature_visualization?a=starter-vit%40blocks.6.mlp.hidden%3A1"


def test_an_item_says_what_is_known_of_how_its_result_was_made() -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    plant(BEN, KEY, VIT, 500.0, device="H200")
    found = page()
    assert f"stored {today} · H200" in found and "computed" not in found
    plant(ANNA, KEY, VIT, 100.0, started=90.0, device="A card", vitrine="1.2")
    assert f"computed {today} · A card · Vitrine 1.2" in page()


def test_without_the_package_notes_stand_as_they_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "_renderer", lambda: None)
    assert "<pre>It is **round** &amp; so on</pre>" in page("It is **round** & so on")
