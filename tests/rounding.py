"""How far two right answers may lie apart: the tolerance of a test follows from its arithmetic, not from what one machine gave.

A sum of n products rounds at each step, so two orders of it (another batch size, another kernel, another processor)
differ by at most about n times eps times the sum of the products' magnitudes (Higham, Accuracy and Stability of
Numerical Algorithms, section 3.1: each is off by n u, and eps is 2 u). Sums that follow each other add their lengths.
"""

from __future__ import annotations

import numpy as np
import torch


def rounding(*lengths: int, scale: float = 1.0, dtype: torch.dtype = torch.float32) -> float:
    """The tolerance for numbers of magnitude `scale` that come out of sums of these lengths, one after the other, in `dtype`.

    `scale` also carries what multiplies the sums afterwards: an error before a factor of 100 is 100 times as large behind it.
    """
    return sum(lengths) * torch.finfo(dtype).eps * scale


def close(one: object, other: object, *lengths: int, scale: float = 1.0, dtype: torch.dtype = torch.float32) -> None:
    """Fails unless two arrays (NumPy or torch) are the same but for rounding; arguments as of `rounding`."""
    np.testing.assert_allclose(
        np.asarray(one, np.float64),
        np.asarray(other, np.float64),
        rtol=0,
        atol=rounding(*lengths, scale=scale, dtype=dtype),
    )
