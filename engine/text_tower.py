"""The text side of a two-tower model: texts in, embeddings of length one out, beside those of its image tower.

Invariant: the numbers do not depend on the batch size beyond rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.models import LoadedModel

EMBEDDING = "head.embedding"
"""The site where the image tower's embedding is read."""
BATCH = 256


def text_embedding(
    loaded: LoadedModel, texts: Sequence[str], report: Callable[[int], None] = lambda done: None
) -> np.ndarray:
    """Texts -> (n, D) float32 of length one, from the reader's text tower on its own device.

    `report` is told how many are done before each batch. Raises BadRequest for a model without a text tower.
    """
    tokenize = loaded.tokenizer  # which refuses a model without a text tower
    clip = _clip(loaded)
    parts: list[Tensor] = []
    for start in range(0, len(texts), BATCH):
        report(start)
        tokens = tokenize(list(texts[start : start + BATCH])).to(loaded.device)
        with torch.no_grad():
            parts.append(clip.encode_text(tokens).float().cpu())
    found = torch.cat(parts)
    return torch.nn.functional.normalize(found, dim=1).numpy()


def scale(loaded: LoadedModel) -> float:
    """What the reader multiplies cosines with before its softmax (100 in OpenAI's CLIPs)."""
    return float(_clip(loaded).logit_scale.exp())


def _clip(loaded: LoadedModel) -> Any:
    return loaded.clip
