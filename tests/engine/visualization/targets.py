"""Pictures and targets for tests: what a site's values are by hand, and what a target of that text is on a model."""

from __future__ import annotations

import io

import numpy as np
import torch

from engine.core.images import to_png
from engine.data import uploads
from engine.sites.access import read
from engine.visualization.goals import measured
from engine.visualization.objectives import goal

HIDDEN, KEY = "blocks.1.mlp.hidden", "blocks.1.attn.key"


def pictures(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def by_hand(model, site, images) -> torch.Tensor:
    return read(model.module, [site], model.normalize(images))[site]


def value(model, site, text, images) -> torch.Tensor:
    return measured(model, site, images, [goal(model, site, text)])


def direction(vector: np.ndarray) -> str:
    buffer = io.BytesIO()
    np.save(buffer, vector)
    return f"dir-{uploads.keep_vector(buffer.getvalue(), 'v')}"


def png(image: torch.Tensor) -> bytes:
    return to_png((image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
