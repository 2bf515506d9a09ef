"""timm's own test model with weights that a number marks, and the places where models are found."""

from __future__ import annotations

import json
from pathlib import Path

import timm
import torch

from engine.models import catalog

TINY = "test_vit.r160_in1k"  # timm's own test model, 0.4 million weights at 160 pixels


def fill(module: torch.nn.Module, value: float) -> torch.nn.Module:
    """All weights become `value`: the marked token of these tests."""
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.fill_(value)
    return module


def tiny(value: float = 0.125, **kwargs) -> dict[str, torch.Tensor]:
    return fill(timm.create_model("test_vit", **kwargs), value).state_dict()


def head(model: catalog.LoadedModel) -> torch.Tensor:
    """The classifier's weights: (classes, width)."""
    return model.module.state_dict()["head.weight"]


def put_into_cache(hub: Path, name: str, file: str, content: bytes) -> None:
    """Lay a file where the hub's client keeps what it downloaded."""
    home = hub / f"models--timm--{name}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("abc123")
    (home / "snapshots" / "abc123").mkdir(parents=True)
    (home / "snapshots" / "abc123" / file).write_bytes(content)


def write_toml(folder: Path, **values) -> None:
    # TOML writes what is no number as JSON does, but for the case.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    lines = [line.replace("NaN", "nan").replace("Infinity", "inf") for line in lines]
    with (folder / "models.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(["[[model]]", *lines, ""]))
