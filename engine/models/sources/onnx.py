"""Reads the weights out of an ONNX file: its stored tensors, and which tensor each node uses.

ONNX is protocol buffers; of its messages only five fields matter here, so a small reader of the wire format does
(https://protobuf.dev/programming-guides/encoding; field numbers from onnx.proto3). Nothing in the file is run.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import RefusedFile, Unavailable

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FLOAT32 = 1  # TensorProto.DataType.FLOAT


@dataclass(frozen=True)
class OnnxFile:
    """`tensors`: stored float32 tensors by name. `inputs`: for each node's name, the names of what it reads."""

    tensors: dict[str, np.ndarray]
    inputs: dict[str, tuple[str, ...]]


def read_onnx(path: Path) -> OnnxFile:
    """The stored tensors and the wiring of an ONNX file; tensors of other types than float32 are left out.

    Raises Unavailable when the file cannot be read, RefusedFile when it is not ONNX or damaged.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _model(bytes(mapped))
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, IndexError, TypeError) as error:
        raise RefusedFile(
            f"{path} is not an ONNX file, or it is damaged ({error}). Install its package again."
        ) from None


def _model(data: bytes) -> OnnxFile:
    tensors: dict[str, np.ndarray] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    for number, graph in _fields(memoryview(data)):
        if number != 7:  # ModelProto.graph
            continue
        for number, value in _fields(_message(graph)):
            if number == 1:  # GraphProto.node
                name, reads = _node(_message(value))
                inputs[name] = reads
            elif number == 5 and (found := _tensor(_message(value))):  # GraphProto.initializer
                tensors[found[0]] = found[1]
    if not tensors:
        raise ValueError("it stores no tensors")
    return OnnxFile(tensors, inputs)


def _node(data: memoryview) -> tuple[str, tuple[str, ...]]:
    fields = list(_fields(data))
    name = next((_text(value) for number, value in fields if number == 3), "")
    return name, tuple(_text(value) for number, value in fields if number == 1)


def _tensor(data: memoryview) -> tuple[str, np.ndarray] | None:
    shape: list[int] = []
    kind, name, raw = 0, "", None
    for number, value in _fields(data):
        if number == 1:  # dims: one by one, or packed into one field
            shape.extend([value] if isinstance(value, int) else _varints(value))
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 8:
            name = _text(value)
        elif number in (4, 9):  # float_data (packed) or raw_data: little-endian float32 either way
            raw = _message(value)
    if kind != FLOAT32 or raw is None:
        return None
    return name, np.frombuffer(raw, dtype="<f4").reshape(shape).copy()


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one message: (field number, value), where a value is a number or a slice of bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            length, at = _varint(data, at)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} does not exist")
        if at + length > len(data):
            raise ValueError("it ends too early")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")


def _varints(data: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode()
