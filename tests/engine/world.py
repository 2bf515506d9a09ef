"""A tiny world with known answers: four kinds on two places, and models that read one thing and nothing else.

An object is a square of its kind's red; a place is a green that fills the frame. Kinds 0 and 1 live on place 0, kinds 2
and 3 on place 1. Models answer from colours, so that what they must answer to any cut is known beforehand.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from engine.data.dataset import Dataset
from engine.evaluation import request, streaming
from engine.models.loaded import LoadedModel
from tests.conftest import compute_in, hand_out
from tests.engine.small import wrapped

KINDS = ("cat", "fire", "guitar", "boat")
RED, GREEN = (60, 120, 180, 240), (80, 200)
SIDE = 32


def scene(number: int) -> np.ndarray:
    """Kind `number % 4` at a spot that depends on the number, on its home place."""
    kind = number % 4
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[..., 1] = GREEN[kind // 2]
    left, top, right, bottom = box(number)
    image[top:bottom, left:right] = (RED[kind], 0, 0)
    return image


def box(number: int) -> tuple[int, int, int, int]:
    left, top = 4 + number % 7, 2 + number % 11
    return left, top, left + 12, top + 14


class Squares(Dataset):
    """`count` scenes with box and mask; scenes can be given boxes, masks or pictures of another kind."""

    class_names = KINDS

    def __init__(self, count: int = 24, name: str = "squares") -> None:
        super().__init__()
        self.name, self.count = name, count

    def _fingerprint(self) -> str:
        return f"{self.name}-{self.count}"

    def __len__(self) -> int:
        return self.count

    def image(self, index: int) -> np.ndarray:
        return scene(index)

    def label(self, index: int) -> int | None:
        return index % 4

    def describe(self, index: int) -> dict:
        return {"id": index, "name": f"{index}.png", "kind": KINDS[index % 4]}

    def mask(self, index: int) -> np.ndarray | None:
        left, top, right, bottom = box(index)
        mask = np.zeros((SIDE, SIDE), bool)
        mask[top:bottom, left:right] = True
        return mask

    def boxes(self, index: int) -> list[tuple[int, int, int, int]] | None:
        return [box(index)]

    def gives(self) -> frozenset[str]:
        return super().gives() | {"boxes", "masks"}


class Reader(nn.Module):
    """Reads the strongest red (the object's kind) or the strongest green (the place), and nothing else.

    `object`: sure of the kind whose red it sees; where there is none, of a class that does not exist in the data. `place`:
    equally sure of the two kinds that live where the green says, again nothing where there is no green.
    """

    def __init__(self, reads: str) -> None:
        super().__init__()
        self.reads = reads
        self.head = nn.Linear(1, 1)  # a classifier with weights, so that the model counts as having one
        self.stages = nn.ModuleList()

    def forward(self, images: Tensor) -> Tensor:
        pixels = images * 0.5 + 0.5
        red, green = pixels[:, 0].amax((1, 2)) * 255, pixels[:, 1].amax((1, 2)) * 255
        scores = torch.zeros(len(images), 5)
        if self.reads == "object":
            marks, seen = torch.tensor(RED).float(), red
            for kind in range(4):
                scores[:, kind] = 20 * ((seen - marks[kind]).abs() < 25).float()
        else:
            marks, seen = torch.tensor(GREEN).float(), green
            for kind in range(4):
                scores[:, kind] = 20 * ((seen - marks[kind // 2]).abs() < 25).float() - 0.001 * (kind % 2)
        scores[:, 4] = 10.0
        return scores


def reader(reads: str) -> LoadedModel:
    """A Reader as the catalog would hand it out, with a fifth class that no image has."""
    loaded = wrapped(reads, Reader(reads), (SIDE, SIDE))
    loaded.class_names = (*KINDS, "nothing")
    return loaded


def settle(
    monkeypatch: pytest.MonkeyPatch, models: Mapping[str, LoadedModel], opened: Callable[[str], Dataset], classes: int
) -> None:
    """Experiments on images get these models, of so many classes, and what `opened` gives for a data set's name; numbers
    are in float32."""
    hand_out(monkeypatch, models)
    for module in (request, streaming):
        monkeypatch.setattr(module, "open_dataset", opened)
    monkeypatch.setattr(streaming, "outputs", lambda loaded: classes)
    compute_in(monkeypatch, "float32")


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def xml(width: int, height: int, objects: list[tuple[str, tuple[int, int, int, int]]]) -> str:
    """ILSVRC's annotation of one image."""
    items = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
        f"<ymax>{bottom}</ymax></bndbox></object>"
        for name, (left, top, right, bottom) in objects
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><folder>x</folder>{size}<segmented>0</segmented>{items}</annotation>"


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path
