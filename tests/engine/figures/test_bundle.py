"""A figure's ZIP holds the drawing, the numbers, the requests, and how to make it again and cite it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date

from engine.figures.bundle import to_zip
from engine.figures.cards import caption, sheet_of
from engine.figures.layout import laid_out
from engine.figures.metadata import Origin, origin_of
from tests.engine.figures.made import result


def test_everything_is_in_it_and_the_picture_opens_the_page():
    results = [result(), result((1,), "starter-cnn")]
    origin = Origin(tuple(one.request for one in results), "feature_visualization", "a=x&b=y")
    data = to_zip(
        laid_out(sheet_of(results)), caption(results), results, origin, "https://host/?a=x", date(2026, 11, 29)
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        assert {
            "README.txt",
            "figure.svg",
            "figure.pdf",
            "figure.png",
            "figure.tex",
            "cite.bib",
            "again.py",
            "again.sh",
        } <= names
        assert "results/0-starter-vit-blocks.6.mlp.hidden/numbers.csv" in names
        assert origin_of(archive.read("figure.png")) == origin
        told = json.loads(archive.read("results/1-starter-cnn-blocks.6.mlp.hidden/request.json"))
        assert told["request"] == results[1].request
        assert archive.read("again.sh").decode().count("\n") == 2


def test_a_chart_brings_its_own_numbers():
    own = {"numbers.csv": b"x,y\n"}
    data = to_zip(laid_out(sheet_of([result()])), "", [result()], Origin(), "", date(2026, 11, 29), own)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("numbers.csv") == own["numbers.csv"]
        assert b"figure.pdf" in archive.read("figure.tex")
