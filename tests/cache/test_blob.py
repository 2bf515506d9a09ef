"""A blob comes back exactly as it was, or not at all."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save

from cache.blob import HEADER_BYTES, Blob, DamagedBlob


def example() -> Blob:
    return Blob(
        {
            "image": np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
            "half": np.array([0.5, np.inf, np.nan], np.float16),
            "nothing": np.zeros((0, 3), np.float32),
            "scalar": np.array(7.25),
            "yes": np.array([True, False]),
        },
        {"units": pd.DataFrame({"unit": [3, 1], "name": ["Fuß", "ear"], "tags": [["a", "b"], []]}, index=[10, 11])},
        {"request": {"b": 1, "a": [1, 2.5, None, "ü"]}, "facts": {"n": np.int64(3), "m": float("nan")}},
    )


def test_arrays_tables_and_facts_come_back_as_they_were() -> None:
    there = example()
    back = Blob.from_bytes(there.to_bytes())
    assert list(back.arrays) and back.arrays.keys() == there.arrays.keys()
    for name, array in there.arrays.items():
        assert back.arrays[name].dtype == array.dtype and back.arrays[name].shape == array.shape
        np.testing.assert_array_equal(back.arrays[name], array)
    tags = back.tables["units"].pop("tags")
    assert [list(row) for row in tags] == [["a", "b"], []]
    pd.testing.assert_frame_equal(back.tables["units"], there.tables["units"].drop(columns="tags"))
    assert back.facts["request"] == there.facts["request"]
    assert back.facts["facts"]["n"] == 3 and np.isnan(back.facts["facts"]["m"])


def test_equal_blobs_are_equal_bytes() -> None:
    assert example().to_bytes() == example().to_bytes()


def test_views_and_foreign_byte_orders_are_stored_by_value() -> None:
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    views = {"transposed": base.T, "strided": base[:, ::2], "reversed": base[::-1], "big": base.astype(">f4")}
    back = Blob.from_bytes(Blob(views).to_bytes())
    for name, view in views.items():
        np.testing.assert_array_equal(back.arrays[name], view)


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([object()]), np.array([1j])])
def test_an_array_that_cannot_be_stored_is_named(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match="“odd”"):
        Blob({"odd": array}).to_bytes()


def test_a_fact_that_is_not_json_is_refused_rather_than_turned_into_text() -> None:
    with pytest.raises(TypeError, match="of type set"):
        Blob(facts={"facts": {"x": {1, 2}}}).to_bytes()


def test_every_single_flipped_bit_is_noticed() -> None:
    data = Blob({"x": np.arange(3, dtype=np.uint8)}, {}, {"request": {}, "facts": {}}).to_bytes()
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(DamagedBlob):
                Blob.from_bytes(bytes(changed))


def test_every_truncation_and_any_extra_byte_is_noticed() -> None:
    data = Blob({"x": np.arange(3, dtype=np.uint8)}).to_bytes()
    for length in range(len(data)):
        with pytest.raises(DamagedBlob):
            Blob.from_bytes(data[:length])
    with pytest.raises(DamagedBlob, match="cut"):
        Blob.from_bytes(data + b"\0")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not safetensors at all, though its digest is right",
        save({"array/x": np.zeros(2)}),
        save({"array/x": np.zeros(2)}, metadata={"facts": "{"}),
        save({"array/x": np.zeros(2)}, metadata={"facts": "[1]"}),
        save({"table/x": np.zeros(9, np.uint8)}, metadata={"facts": "{}"}),
    ],
)
def test_a_body_of_another_kind_is_damaged_even_when_its_digest_is_right(body: bytes) -> None:
    prefix = Blob().to_bytes()[: HEADER_BYTES - 40] + len(body).to_bytes(8, "little")
    digest = hashlib.blake2b(prefix + body, digest_size=32).digest()
    with pytest.raises(DamagedBlob, match="cannot be read"):
        Blob.from_bytes(prefix + digest + body)


def test_another_layout_version_is_named() -> None:
    data = bytearray(Blob().to_bytes())
    data[8] = 9
    with pytest.raises(DamagedBlob, match="layout 9"):
        Blob.from_bytes(bytes(data))


def test_facts_can_be_read_by_anyone_who_knows_safetensors() -> None:
    data = example().to_bytes()[HEADER_BYTES:]
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["facts"])["request"]["a"][3] == "ü"
