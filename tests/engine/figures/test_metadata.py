"""A PNG says what it shows; a file that lies, or is none, gives one sentence and nothing else."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import PngImagePlugin

from engine.core.errors import RefusedFile
from engine.core.images import to_png
from engine.figures import metadata, raster
from engine.figures.drawing import Drawing
from engine.figures.metadata import Origin, origin_of, parameters
from tests.engine.figures.made import result

ORIGIN = Origin((result().request,), "feature_visualization", "a=starter-vit%40blocks.6.mlp.hidden%3A3%2C5&seed=0&b=")


def png(text: str | None) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    if text is not None:
        chunks.add_itxt(metadata.CHUNK, text, zip=len(text) > 100_000)
    buffer = io.BytesIO()
    Pillow.new("RGB", (2, 2)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def test_what_was_written_into_a_figure_is_read_back():
    assert origin_of(raster.to_png(Drawing(9, 9, ()), ORIGIN)) == ORIGIN
    assert parameters(ORIGIN) == {"a": "starter-vit@blocks.6.mlp.hidden:3,5", "seed": "0", "b": ""}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, to_png(np.zeros((2, 2, 3), np.uint8)), png(""), png("{"), png("[]"),
        png('"text"'), png(json.dumps({"page": 3, "query": "a=b"})), png(json.dumps({"page": "home"})),
        png(json.dumps({"page": "home", "query": "a" * 9_000})), png(" " * 3_000_000), png("[" * 150_000),
        png(None).replace(b"IHDR" + b"\0\0\0\2" * 2, b"IHDR" + b"\0\0\x27\x10" * 2),
        png(json.dumps({"page": "x", "query": "\ud800"})),
    ],
    ids=range(15),
)  # fmt: skip
def test_any_other_file_is_refused_in_a_sentence(data: bytes):
    with pytest.raises(RefusedFile, match=r"^odd\.png .*\. Give a figure that was saved from Vitrine"):
        origin_of(data, "odd.png")


def test_a_file_that_is_too_large_is_not_opened():
    with pytest.raises(RefusedFile, match="larger than 64 MiB"):
        origin_of(b"\0" * (metadata.LARGEST_FILE + 1))


def test_requests_that_are_none_are_left_out():
    about = {"page": "", "query": "", "requests": [1, {"experiment": "visualize"}, None]}
    assert origin_of(png(json.dumps(about))).requests == ({"experiment": "visualize"},)
