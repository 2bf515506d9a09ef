"""What a model answers to variants of images, kept image by image so that any two models can be compared later.

Invariant: the answers do not depend on the batch size beyond rounding; probabilities are the softmax over all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from engine.core.errors import BadRequest
from engine.core.precision import autocast
from engine.core.statistics import estimate
from engine.models.loaded import LoadedModel
from engine.sites.last_block import answer

TOP = 5
PASS = 64  # images in one pass of the model, at most; fewer where `LoadedModel.images_per_pass` says so
PIXEL_BYTES = 192 << 20  # of one batch's variants, held at once


def outputs(loaded: LoadedModel) -> int:
    """How many classes the model answers with: one output tells two apart by its sign, where both have names. Raises
    BadRequest where it has no classifier, or one output that nobody explains."""
    site = loaded.sites.get("head.logits")
    if site is None:
        raise BadRequest(f"{loaded.name} has no classifier, so there is no accuracy to measure. Choose another model.")
    if site.units == 1 and not by_sign(loaded):
        raise BadRequest(
            f"{loaded.name} has one output, which tells two classes apart by its sign, if that is what it is for. Name both, the "
            'class of negative outputs first: classes = ["no", "yes"] with num_classes = 1 in its card.'
        )
    return 2 if site.units == 1 else site.units


def by_sign(loaded: LoadedModel) -> bool:
    """Whether the model has one output, whose sign says which of two named classes it answers."""
    site = loaded.sites.get("head.logits")
    return site is not None and site.units == 1 and len(loaded.class_names or ()) == 2


def logits(loaded: LoadedModel, images: Tensor) -> Tensor:
    """(n, 3, H, W) in [0, 1], at the model's input size -> (n, classes) float32, in passes of at most PASS images. One output z
    becomes the logits 0 and z of two classes, whose softmax is its sigmoid."""
    # Convolutions are quicker with the channels last; the numbers are the same.
    ready = loaded.normalize(images).contiguous(memory_format=torch.channels_last)
    parts = []
    # No inference mode: a model may keep what it computes, and be asked for gradients later.
    with torch.no_grad(), autocast(loaded.device):
        for some in ready.split(loaded.images_per_pass(PASS)):
            parts.append(answer(loaded.module, some).float())
    return both_classes(loaded, torch.cat(parts))


def both_classes(loaded: LoadedModel, values: Tensor) -> Tensor:
    """Outputs (n, classes) as logits: one output z of a model that answers by its sign becomes 0 and z."""
    one = values.shape[1] == 1 and by_sign(loaded)
    return torch.cat([torch.zeros_like(values), values], dim=1) if one else values


def images_at_once(loaded: LoadedModel, variants: int) -> int:
    """How many images, with all their variants, go through together."""
    one = variants * 3 * loaded.input_size[0] * loaded.input_size[1] * 4
    return max(1, min(64, PIXEL_BYTES // one))


def answered(
    numbers: Sequence[int] | np.ndarray, labels: Sequence[int] | np.ndarray, values: Tensor
) -> dict[str, np.ndarray]:
    """What logits (n, V, classes) of images with these numbers and classes come to: `images` (n,), `labels` (n,), `top`
    (n, V, 5) the TOP strongest classes, `probability` (n, V, 5) theirs, `loss` (n, V) the cross-entropy."""
    logs = values.log_softmax(-1)
    best = logs.topk(min(TOP, logs.shape[-1]), dim=-1)
    truth = torch.as_tensor(np.asarray(labels), device=values.device).long().view(-1, 1, 1)
    loss = -logs.gather(2, truth.expand(-1, values.shape[1], 1)).squeeze(2)
    return {
        "images": np.asarray(numbers, np.int32),
        "labels": np.asarray(labels, np.int32),
        "top": best.indices.cpu().numpy().astype(np.int32),
        "probability": best.values.exp().cpu().numpy().astype(np.float16),
        "loss": loss.cpu().numpy().astype(np.float32),
    }


def correct(arrays: dict[str, np.ndarray], top: int = 1) -> np.ndarray:
    """(N, V) bool: is the image's class among the `top` answers?"""
    return (arrays["top"][..., :top] == arrays["labels"][:, None, None]).any(-1)


def measured(
    right: tuple[np.ndarray, np.ndarray],
    full: tuple[np.ndarray, np.ndarray],
    loss: np.ndarray,
    clusters: np.ndarray | None = None,
) -> dict[str, Any]:
    """What one variant comes to.

    right: top-1 and top-5 (n,) bool of the variant, full: of the same images whole; loss (n,); clusters (n,): which images
    belong together. Accuracies are shares with their 95% interval; `..._normalised` is accuracy over that on whole images (paper,
    Table 2), None where nothing is right whole. See `engine.core.statistics.estimate`.
    """
    facts: dict[str, Any] = {"n": len(loss), "loss": float(np.mean(loss))}
    for name, here, whole in zip(("top1", "top5"), right, full, strict=True):
        value, *interval = estimate(here, clusters=clusters)
        ratio = estimate(here, whole, clusters) if whole.any() else None
        facts |= {
            name: value,
            f"{name}_interval": tuple(interval),
            f"{name}_normalised": None if ratio is None else ratio.value,
            f"{name}_normalised_interval": None if ratio is None else (ratio.low, ratio.high),
        }
    return facts


def variant_table(arrays: dict[str, np.ndarray], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """One row a variant: `variant`, `fill` and what `measured` gives, intervals as `..._low` and `..._high`."""
    top1, top5 = correct(arrays, 1), correct(arrays, 5)
    rows, clusters = [], arrays.get("clusters")
    for place, (name, fill) in enumerate(pairs):
        facts = measured((top1[:, place], top5[:, place]), (top1[:, 0], top5[:, 0]), arrays["loss"][:, place], clusters)
        rows.append({"variant": name, "fill": fill, **flat(facts)})
    return pd.DataFrame(rows)


def flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Intervals as two columns each; what is not there as NaN."""
    row: dict[str, Any] = {}
    for name, value in facts.items():
        if name.endswith("_interval"):
            low, high = value if value is not None else (np.nan, np.nan)
            row |= {f"{name.removesuffix('_interval')}_low": low, f"{name.removesuffix('_interval')}_high": high}
        else:
            row[name] = np.nan if value is None else value
    return row
