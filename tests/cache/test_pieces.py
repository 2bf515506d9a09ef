"""Reading one picture, row or table of a stored result: the same as from the whole, no more is read, and damage is noticed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cache.blob import Blob, DamagedBlob, facts_of, pieces
from cache.pieces import CHUNK, Pieces, Whole

RANDOM = np.random.default_rng(0)
BLOB = Blob(
    {
        "images": RANDOM.integers(0, 255, (12, 100, 120, 3), np.uint8),
        "several": RANDOM.integers(0, 255, (3, 2, 20, 20, 3), np.uint8),
        "curves": RANDOM.normal(size=(12, 5)).astype(np.float32),
        "maps": RANDOM.normal(size=(12, 2, 3)).astype(np.float16),
        "numbers": np.arange(40_000, dtype=np.int32),
    },
    {"units": pd.DataFrame({"unit": range(12)})},
    {"request": {"a": 1}, "facts": {}},
)
DATA = BLOB.to_bytes()


def opened(data: bytes = DATA, seen: Callable[[int], object] = lambda count: None) -> Pieces:
    def read(start: int, end: int) -> bytes:
        seen(end - start)
        return data[start:end]

    found = pieces(read, len(data))
    assert found is not None
    return found


def test_each_piece_is_what_the_whole_has() -> None:
    found, whole = opened(), Blob.from_bytes(DATA)
    assert sorted(found.arrays) == sorted(whole.arrays) and found.tables == ["units"]
    assert found.facts == whole.facts == facts_of(DATA) == BLOB.facts
    assert found.table("units").equals(BLOB.tables["units"])
    for name, array in BLOB.arrays.items():
        assert found.shape(name) == list(array.shape)
        assert np.array_equal(found.array(name), array) and found.array(name).dtype == array.dtype
        for number in range(min(len(array), 12)):
            row = found.row(name, number)
            assert np.array_equal(row, array[number]) and row.dtype == array.dtype


def test_a_whole_blob_answers_alike() -> None:
    whole, found = Whole(BLOB.arrays, BLOB.tables, BLOB.facts), opened()
    assert sorted(whole.arrays) == sorted(found.arrays) and whole.tables == found.tables
    assert np.array_equal(whole.row("images", 7), found.row("images", 7)) and whole.shape("maps") == found.shape("maps")


def test_one_picture_takes_a_small_part_of_the_file() -> None:
    counts: list[int] = []
    opened(seen=counts.append).row("images", 5)
    assert sum(counts) < len(DATA) / 2 and len(DATA) > 3 * CHUNK


@pytest.mark.parametrize("place", [0, 9, 12, 20, 60, 100, CHUNK, 2 * CHUNK, len(DATA) - 1])
def test_a_changed_byte_is_noticed_wherever_what_it_belongs_to_is_read(place: int) -> None:
    data = bytearray(DATA)
    data[place] ^= 1
    with pytest.raises(DamagedBlob):
        found = opened(bytes(data))
        for name in found.arrays:
            found.array(name)
        found.table("units")
    with pytest.raises(DamagedBlob):
        Blob.from_bytes(bytes(data))


def test_chunks_that_changed_places_are_noticed() -> None:
    data, begin = bytearray(DATA), len(DATA) - 2 * CHUNK - (len(DATA) % CHUNK)
    data[begin : begin + CHUNK], data[begin + CHUNK : begin + 2 * CHUNK] = (
        data[begin + CHUNK : begin + 2 * CHUNK],
        data[begin : begin + CHUNK],
    )
    with pytest.raises(DamagedBlob):
        Blob.from_bytes(bytes(data))


@pytest.mark.parametrize("cut", [0, 10, 50, 200, len(DATA) - 1])
def test_a_file_that_is_cut_is_none(cut: int) -> None:
    with pytest.raises(DamagedBlob):
        opened(DATA[:cut])


def test_there_is_no_row_beyond_the_last() -> None:
    for number in (-1, 12):
        with pytest.raises(ValueError, match="There is no row"):
            opened().row("images", number)


def test_a_blob_of_few_pictures_is_read_as_a_whole() -> None:
    data = Blob({"image": BLOB.arrays["images"][0]}).to_bytes()
    assert pieces(lambda start, end: data[start:end], len(data)) is None
