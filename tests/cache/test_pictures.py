"""Pictures take less room in a packed blob, come back to the bit, and a stranger's packing does no harm."""

from __future__ import annotations

import numpy as np
import pytest

from cache import blob, pictures
from cache.blob import Blob, DamagedBlob


def smooth(count: int, side: int = 32) -> np.ndarray:
    """Pictures as an optimizer leaves them: smooth, with noise in the last bits."""
    draws = np.random.default_rng(0)
    ramp = np.linspace(40, 210, side)[None, :, None, None] + np.linspace(-20, 20, side)[None, None, :, None]
    return (ramp + draws.integers(0, 4, (count, side, side, 3))).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 16, 16, 3), (3, 20, 33, 3), (2, 4, 17, 16, 3)])
def test_noise_and_its_shape_come_back_to_the_bit(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    back = Blob.from_bytes(Blob({"images": noise}).to_bytes(packed=True)).arrays["images"]
    np.testing.assert_array_equal(back, noise)


def test_a_packed_blob_is_smaller_and_holds_the_same() -> None:
    there = Blob({"images": smooth(8), "curves": np.ones((8, 5), np.float32)}, facts={"request": {"a": 1}})
    plain, packed = there.to_bytes(packed=False), there.to_bytes()
    assert len(packed) < 0.6 * len(plain)
    back = Blob.from_bytes(packed)
    assert back.facts == there.facts
    for name, array in there.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 32, 32, 1), np.uint8),  # maps, not colours
        np.zeros((2, 32, 32, 3), np.float32),
        np.zeros((2, 8, 8, 3), np.uint8),  # smaller than what a header costs
        np.zeros((0, 32, 32, 3), np.uint8),
        np.zeros((32, 32, 3), np.uint8),
    ],
)
def test_what_is_no_row_of_pictures_is_left_as_it_is(array: np.ndarray) -> None:
    assert not pictures.packs(array)
    assert Blob({"x": array}).to_bytes(packed=True) == Blob({"x": array}).to_bytes()


@pytest.mark.parametrize(
    "claim",
    [
        {"shape": [8, 1 << 20, 1 << 20, 3], "ends": None},  # more than memory
        {"shape": [8, 33, 32, 3], "ends": None},  # another size than the pictures have
        {"shape": [7, 32, 32, 3], "ends": None},
        {"shape": [8, 32, 32, 4], "ends": None},
        {"shape": [8, 32, -32, -3], "ends": None},
        {"shape": ["8", 32, 32, 3], "ends": None},
        {"shape": [8, 32, 32, 3], "ends": [1] * 8},
    ],
)
def test_a_packing_that_does_not_fit_its_bytes_is_a_damaged_blob(claim: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    def packed(array: np.ndarray) -> tuple[np.ndarray, pictures.Packing]:
        data, packing = truly(array)
        return data, {"shape": claim["shape"], "ends": claim["ends"] or packing["ends"]}

    truly = pictures.packed
    monkeypatch.setattr(pictures, "packed", packed)
    data = Blob({"images": smooth(8)}).to_bytes(packed=True)
    with pytest.raises(DamagedBlob):
        Blob.from_bytes(data)


def test_what_holds_no_packed_picture_is_written_in_the_old_layout() -> None:
    versions = [
        int.from_bytes(Blob({"images": smooth(1)}).to_bytes(packed=packed)[8:10], "little") for packed in (False, True)
    ]
    assert versions == [blob.VERSION, blob.PACKED_VERSION]
