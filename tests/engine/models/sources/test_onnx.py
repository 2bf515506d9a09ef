"""ONNX files read without ONNX: a hand-written one, and damaged ones that are refused."""

from __future__ import annotations

import struct

import pytest

from engine.core.errors import RefusedFile
from engine.models.sources.onnx import read_onnx


def number(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(index: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(index << 3) + number(value)
    return number(index << 3 | 2) + number(len(value)) + value


def onnx_bytes() -> bytes:
    raw = field(1, 2) + field(1, 3) + field(2, 1) + field(8, b"raw") + field(9, struct.pack("<6f", *range(6)))
    typed = field(1, b"\x02") + field(2, 1) + field(4, struct.pack("<2f", 7, 8)) + field(8, b"typed")
    whole_numbers = field(1, 1) + field(2, 7) + field(8, b"int64") + field(9, bytes(8))
    node = field(1, b"x") + field(1, b"raw") + field(2, b"y") + field(3, b"/a/MatMul") + field(4, b"MatMul")
    graph = field(1, node) + field(2, b"graph") + b"".join(field(5, each) for each in (raw, typed, whole_numbers))
    return field(1, 7) + field(2, b"by hand") + field(7, graph)


def test_a_hand_written_onnx_file_is_read(tmp_path):
    (tmp_path / "a.onnx").write_bytes(onnx_bytes())
    file = read_onnx(tmp_path / "a.onnx")
    assert {name: values.tolist() for name, values in file.tensors.items()} == {
        "raw": [[0, 1, 2], [3, 4, 5]],
        "typed": [7, 8],
    }
    assert file.inputs == {"/a/MatMul": ("x", "raw")}


@pytest.mark.parametrize("content", [b"", b"no onnx", onnx_bytes()[:-9], onnx_bytes()[:20], b"\xff" * 40])
def test_a_damaged_onnx_file_is_refused(tmp_path, content):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(RefusedFile, match=r"a\.onnx"):
        read_onnx(tmp_path / "a.onnx")
