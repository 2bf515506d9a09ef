"""How alike activations are, and how near made pictures come to natural images: plain arithmetic on arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.core.statistics import estimate

NATURAL = "natural images"
ENOUGH, AXES, SAMPLE = 32, 8, 64
"""Pictures from which on a Fréchet distance is told, over so many principal axes; natural images that stand beside pictures."""


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m): Spearman's rank correlation over channels of each row of a (n, channels) with each of b (m, channels); 0 for a
    row without differences. The measure of Geirhos et al. 2024."""
    return _ranks(a) @ _ranks(b).T


def _ranks(rows: np.ndarray) -> np.ndarray:
    """Ranks within each row, equal values sharing their mean rank; centred and of length one."""
    out = np.empty(rows.shape, np.float64)
    order = rows.argsort(1)
    np.put_along_axis(out, order, np.arange(rows.shape[1], dtype=np.float64)[None], 1)
    tied = np.diff(np.take_along_axis(rows, order, 1), axis=1) == 0
    for number in np.flatnonzero(tied.any(1)):
        _, place, counts = np.unique(rows[number], return_inverse=True, return_counts=True)
        out[number] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    out -= out.mean(1, keepdims=True)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.divide(out, length, out=np.zeros_like(out), where=length > 0)


def nearest(a: np.ndarray, b: np.ndarray, apart: np.ndarray | None = None) -> np.ndarray:
    """(n,): cosine distance of each row of a (n, d) to the nearest of b (m, d), all of length one: the plausibility of Fel et
    al. 2023 (MACO), where less is more plausible. apart (n, m) bool: pairs that do not count."""
    alike = a @ b.T
    if apart is not None:
        alike = np.where(apart, -np.inf, alike)
    return 1 - alike.max(1)


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two clouds of features (n, d) and (m, d) taken as normal (Heusel et al. 2017, FID). It grows where
    n or m is small, so it needs many more points than features, and distances to one cloud compare only between clouds of equal
    size."""
    means, covariances = (a.mean(0), b.mean(0)), (np.cov(a, rowvar=False), np.cov(b, rowvar=False))
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # The trace of the root of a product is that of a symmetric matrix with the same eigenvalues.
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)).sum()
    return float(np.square(means[0] - means[1]).sum() + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * cross)


def principal(natural: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(mean (d,), axes (d, count)) of the directions in which natural images (n, d) differ the most."""
    mean = natural.mean(0)
    _, _, axes = np.linalg.svd(natural - mean, full_matrices=False)
    return mean, axes[:count].T


def likeness(made: Mapping[str, np.ndarray], natural: np.ndarray, groups: np.ndarray, seed: int) -> pd.DataFrame:
    """How near pictures come to natural images, in an observer's embedding: shown, pictures, `distance` to the nearest image
    with its interval, and `frechet` (NaN below 32 pictures). made: pictures (n, d) by what they are called; natural (m, d),
    of which images of one group are not independent. A sample of the natural images stands beside, held against the others. Rows
    compare by `frechet` only where they have as many pictures.
    """
    picked = np.random.default_rng(seed).permutation(len(natural))[: min(SAMPLE, len(natural) // 4)]
    rest, rows = np.setdiff1d(np.arange(len(natural)), picked), []
    mean, axes = principal(natural[rest], min(AXES, natural.shape[1]))
    clouds = {NATURAL: natural[picked], **made}
    for name, cloud in clouds.items():
        own = groups[picked] if name == NATURAL else None
        apart = None if own is None else own[:, None] == groups[rest][None]
        found = estimate(nearest(cloud, natural[rest], apart), clusters=own)
        far = frechet((cloud - mean) @ axes, (natural[rest] - mean) @ axes) if len(cloud) >= ENOUGH else math.nan
        row = {"shown": name, "pictures": len(cloud), "distance": found.value, "low": found.low, "high": found.high}
        rows.append({**row, "frechet": far})
    return pd.DataFrame(rows)
