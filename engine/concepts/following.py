"""How closely units follow texts over a data set: correlations of many units and many texts, without a table of every
text's fit to every image.

Invariant: a unit or a text that never changes has a correlation of 0 with everything.
"""

from __future__ import annotations

import numpy as np

STILL = 1e-6
"""Change relative to size: what is less is rounding."""


def standard(values: np.ndarray) -> np.ndarray:
    """Columns (N, n) float32 less their mean, at length one: their products are correlations. Still ones are 0."""
    centred = values.astype(np.float32)
    mean = centred.mean(axis=0)
    centred -= mean
    length = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    alive = length > STILL * np.sqrt(length**2 + len(values) * mean**2)
    centred *= np.divide(1, length, out=np.zeros_like(length), where=alive)
    return centred


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, of two lists (n,)."""
    return float(standard(a[:, None])[:, 0] @ standard(b[:, None])[:, 0])


def correlations(units: np.ndarray, images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """(n, W) of standardised units (N, n) with the fit of texts (W, D) to images (N, D), which is their dot product.

    Both the products and their spread over the images are linear and quadratic in the texts, so the images are summed over once.
    """
    centred = images - images.mean(axis=0)
    spread = np.sqrt(np.maximum(np.einsum("wd,wd->w", texts @ (centred.T @ centred), texts), 0))
    alive = spread > STILL * np.linalg.norm(texts, axis=1) * np.linalg.norm(images)
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=alive)
    return (units.T @ centred) @ texts.T * scale
