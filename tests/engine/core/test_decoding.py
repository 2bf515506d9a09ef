"""Large images: what a small file may unfold to in memory, and that a reduced picture shows the same."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from PIL import Image

from engine.core import images
from engine.core.errors import RefusedFile
from engine.core.images import open_image

MEASURE = textwrap.dedent(
    """
    import io, resource, sys
    from PIL import Image
    from engine.core.images import open_image
    mode, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(sys.argv[4], "rb") as file:
        data = file.read()
    small = io.BytesIO()
    Image.new("RGB", (64, 64)).save(small, "PNG")
    open_image(small.getvalue(), "small", 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(open_image(data, "large", 1024).shape)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
)


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("mode", "most"), [("1", 80), ("P", 80), ("L", 80), ("RGB", 200), ("RGBA", 230)])
def test_a_small_file_with_many_pixels_takes_little_memory(mode: str, most: int, tmp_path) -> None:
    file = tmp_path / "large.png"
    Image.new(mode, (7000, 5600)).save(file)
    assert file.stat().st_size < 500_000
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, mode, "7000", "5600", str(file)], capture_output=True, text=True, timeout=120
    )
    shape, megabytes = told.stdout.splitlines()
    assert shape == "(934, 1167, 3)" and int(megabytes) < most, told.stderr


@pytest.mark.parametrize("size", [(39_000_000, 1), (1, 39_000_000), (20_001, 8)])
def test_an_image_with_an_endless_side_is_refused_by_its_header(size: tuple[int, int], monkeypatch) -> None:
    data = saved(Image.new("1", size))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(RefusedFile, match="a side of an image may have at most 20,000"):
        open_image(data, "long.png", 1024)


def test_many_pixels_of_sixteen_bits_are_refused_by_the_header(monkeypatch) -> None:
    data = saved(Image.new("I;16", (4000, 3100)))
    monkeypatch.setattr(images, "_sixteen_bits", lambda data: pytest.fail("it was decoded"))
    with pytest.raises(RefusedFile, match="16 bits a channel and more than 12 million pixels"):
        open_image(data, "deep.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_reduced_picture_shows_what_the_whole_one_shows(mode: str) -> None:
    ramp = np.linspace(0, 255, 1200).astype(np.uint8)
    whole = Image.fromarray(np.stack([np.tile(ramp, (803, 1)), np.full((803, 1200), 40, np.uint8)] * 2, -1)[..., :3])
    image = whole.convert(mode)
    reduced = open_image(saved(image), "large", 100)
    assert reduced.shape == (67, 100, 3)
    wanted = np.asarray(image.convert("RGB").resize((100, 67), Image.Resampling.BOX)).astype(int)
    assert np.abs(reduced.astype(int) - wanted).max() <= (6 if mode == "P" else 3)


def test_what_is_transparent_in_a_reduced_picture_is_white_and_a_sideways_one_upright() -> None:
    clear = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    reduced = open_image(saved(clear, exif=exif), "large", 100)
    assert reduced.shape == (100, 34, 3) and (reduced == 255).all()


def test_large_images_are_decoded_one_at_a_time(monkeypatch) -> None:
    data, at_once, most = saved(Image.new("L", (2100, 2100))), 0, []
    on_white = images._on_white

    def counted(image: Image.Image) -> Image.Image:
        nonlocal at_once
        at_once += 1
        most.append(at_once)
        made = on_white(image)
        at_once -= 1
        return made

    monkeypatch.setattr(images, "_on_white", counted)
    threads = [threading.Thread(target=open_image, args=(data, "large", 1024)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
