"""The report is one file that stands alone: well formed, with every number, verdict and drawing, and nothing from elsewhere."""

from __future__ import annotations

import base64
import re
from datetime import date
from html.parser import HTMLParser

from engine.claims.claim import FAILS, UNTOLD, Verdict
from engine.claims.order import CLAIMS
from engine.claims.report import Told, to_html
from engine.core.statistics import Estimate
from engine.figures.chart import Chart, Series
from tests.engine.claims.planted import SUBJECT

NASTY = "<script>alert('1')</script> & “quotes” \x00"
FIGURE = Chart("lines", (Series("vit", (0.5, 1.0), (0.25, 0.75), (0.2, 0.7), (0.3, 0.8)),), "depth", "R²")
TOLD = [
    Told(
        CLAIMS[0],
        Verdict(FAILS, f"It falls behind. {NASTY}", Estimate(-0.1, -0.2, -0.05), "points", "−10.0 points"),
        FIGURE,
    ),
    Told(CLAIMS[1], Verdict(UNTOLD, "There are no masks."), None),
]


class Reader(HTMLParser):
    """What a browser would see: tags that are open at the end, addresses, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.addresses, self.tags, self.text = list[str](), list[str](), set[str](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "rect", "polyline", "polygon", "circle", "image", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(told: list[Told] = TOLD) -> tuple[str, Reader]:
    page, reader = to_html(SUBJECT, told, [{"experiment": "explains", "model": "vit"}], date(2026, 3, 1)), Reader()
    reader.feed(page)
    return page, reader


def test_it_is_well_formed_and_asks_for_nothing_outside_itself() -> None:
    page, reader = read()
    assert reader.open == [] and "script" not in reader.tags and "link" not in reader.tags
    assert all(address.startswith(("#", "data:text/csv")) for address in reader.addresses), reader.addresses
    assert "url(" not in page and "@import" not in page and "\x00" not in page
    assert "<script>alert" in reader.text, "what is said stays text"


def test_each_claim_has_its_verdict_in_words_and_a_mark() -> None:
    _, reader = read()
    assert reader.text.count("✗ Does not hold") == 2 and reader.text.count("? Cannot be told here") == 2
    assert "There are no masks." in reader.text and CLAIMS[0].paper in reader.text and "−10.0 points" in reader.text


def test_the_figure_is_a_drawing_with_its_numbers_beside() -> None:
    page, reader = read()
    assert page.count("<svg") == 1 and {"polyline", "polygon"} & reader.tags
    (data,) = [address for address in reader.addresses if address.startswith("data:")]
    assert base64.b64decode(data.partition("base64,")[2]).decode().splitlines()[1] == "vit,0.5,0.25,0.2,0.3"


def test_it_says_how_to_make_it_again_and_what_to_cite() -> None:
    _, reader = read()
    assert re.search(r"report --models vit cnn --clip clip --data somewhere --out report.html", reader.text)
    assert '{"experiment": "explains", "model": "vit"}' in reader.text
    assert "@article{ghiasi2022vision" in reader.text and "2026-03-01" in reader.text
