"""Accuracy on the committed evaluation scenes. Reads the Parquet file and nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

EVALUATION = Path(__file__).parents[1] / "scenes" / "evaluation.parquet"


def scenes(variants: tuple[str, ...] = ("home", "other")) -> pd.DataFrame:
    table = pd.read_parquet(EVALUATION, columns=["image", "kind_index", "variant", "set"])
    return table[table.variant.isin(variants)]


@torch.no_grad()
def answers_to(model: nn.Module, side: int, table: pd.DataFrame, batch: int = 64) -> Tensor:
    """(scenes, outputs): what the model answers to each scene, scaled to `side` pixels."""
    model.eval()
    device = next(model.parameters()).device
    out = []
    for start in range(0, len(table), batch):
        part = table.iloc[start : start + batch]
        pixels = np.stack([np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in part.image])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).to(device)
        if side != images.shape[-1]:
            images = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
        out.append(model((images - 0.5) / 0.5).cpu())
    return torch.cat(out)


def correct(model: nn.Module, side: int, table: pd.DataFrame, top: int = 1) -> np.ndarray:
    """(scenes,) bool: is the kind among the `top` answers?"""
    best = answers_to(model, side, table).topk(top, 1).indices.numpy()
    return (best == table.kind_index.to_numpy()[:, None]).any(1)


def accuracy(model: nn.Module, side: int, limit: int | None = None) -> float:
    """Share of held-out scenes (home and other place alike) named right; `limit` takes every n-th scene only."""
    table = scenes()
    if limit:
        table = table.iloc[:: max(1, len(table) // limit)]
    return float(correct(model, side, table).mean())
