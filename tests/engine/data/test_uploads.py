"""Vectors and images from people: read without trust, named by what is in them."""

from __future__ import annotations

import errno
import io
import pickle

import numpy as np
import pytest
from safetensors.numpy import save

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import to_png
from engine.data import belongings, uploads
from engine.people.person import Person

VECTOR = np.arange(1, 9, dtype=np.float64)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)  # pickles objects, which is what the trap needs
    return buffer.getvalue()


@pytest.mark.parametrize("data", [npy(VECTOR), npy(VECTOR[None]), npy(VECTOR.astype(np.int8)), save({"v": VECTOR})])
def test_the_same_numbers_have_one_name_whatever_file_they_came_in(data):
    digest = uploads.keep_vector(data, "v")
    assert digest == uploads.keep_vector(npy(VECTOR.astype(np.float32)), "other name")
    assert uploads.vector(digest).tolist() == VECTOR.tolist()
    assert uploads.vector(digest).dtype == np.float32


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e60])
def test_very_long_and_very_short_vectors_keep_where_they_point(scale):
    kept = uploads.vector(uploads.keep_vector(npy(VECTOR * scale), "v"))
    np.testing.assert_allclose(kept / np.linalg.norm(kept), VECTOR / np.linalg.norm(VECTOR), rtol=1e-6)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        npy(VECTOR)[:-3],
        pickle.dumps(VECTOR),
        npy(np.array([Trap()], object)),
        npy(np.ones((2, 3))),
        npy(np.ones(1)),
        npy(np.zeros(5)),
        npy(np.array([1.0, np.nan])),
        npy(np.array(["a", "b"])),
        npy(np.ones(5, complex)),
        b"x" * (uploads.MAX_VECTOR_BYTES + 1),
        b"\xff" * 16,
    ],
)
def test_what_is_no_vector_is_refused_and_nothing_is_unpickled(data):
    with pytest.raises(RefusedFile, match=r"^bad"):
        uploads.keep_vector(data, "bad")


def test_a_file_of_several_tensors_needs_a_name():
    data = save({"cat": VECTOR, "dog": -VECTOR})
    with pytest.raises(BadRequest, match="cat, dog"):
        uploads.keep_vector(data, "concepts.safetensors")
    assert uploads.vector(uploads.keep_vector(data, "concepts.safetensors", "dog")).tolist() == (-VECTOR).tolist()


@pytest.mark.parametrize("digest", ["0" * 16, "../../etc/passwd", "", "x" * 16])
def test_what_is_not_here_is_said(digest):
    for read in (uploads.vector, uploads.image):
        with pytest.raises(Unavailable, match="not on this machine"):
            read(digest)


def test_an_image_is_kept_pixel_by_pixel_and_named_by_its_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    digest = uploads.keep_image(to_png(pixels), "mine.png")
    assert np.array_equal(uploads.image(digest), pixels)
    assert np.array_equal(uploads.image_of(f"up-{digest}", "starter"), pixels)
    with pytest.raises(RefusedFile):
        uploads.keep_image(b"<svg/>", "drawing.svg")


def test_where_there_is_no_room_nobody_elses_go(monkeypatch, own_store):
    size = len(npy(VECTOR.astype(np.float32)))
    monkeypatch.setattr(uploads, "MOST_BYTES", 2 * size)
    ann, bob = Person("ann", role="member"), Person("bob", role="member")
    kept = [uploads.keep_vector(npy(VECTOR * scale), "v", person=ann) for scale in (1, 2)]
    with pytest.raises(Unavailable, match=r"room for uploads is full.*Privacy and your data"):
        uploads.keep_vector(npy(VECTOR * 3), "v", person=bob)
    assert [uploads.vector(each)[0] for each in kept] == [1, 2]
    assert uploads.keep_vector(npy(VECTOR), "again", person=bob) == kept[0], "what is there takes no room"
    belongings.remove(ann, "vectors", kept[1])
    assert uploads.vector(uploads.keep_vector(npy(VECTOR * 3), "v", person=bob))[0] == 3


def test_a_file_that_finds_no_room_leaves_nothing_behind(monkeypatch, own_store):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads.os, "replace", full)
    with pytest.raises(Unavailable, match="No space left"):
        uploads.keep_vector(npy(VECTOR), "v")
    assert list(uploads._folder("vectors").iterdir()) == []
