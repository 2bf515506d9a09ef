"""Low-pass, high-pass and band-pass filters of images, all cut-offs from one Fourier transform.

Frequencies are radial, as a fraction of Nyquist (1 = half a cycle a pixel, whatever the image's size, so that models
of different input size compare). The corners of the spectrum, beyond Nyquist's circle, count as 1: so a low-pass at
cut-off 1 changes nothing. Filters act on [0, 1] pixels and are linear: their output is not clipped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Shape = Literal["ideal", "gaussian"]
GREY = 0.5  # stands for the mean that a high-pass or band-pass takes away


def radius(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """(height, width // 2 + 1): radial frequency of each entry of `rfft2`, as a fraction of Nyquist, at most 1."""
    down = torch.fft.fftfreq(height, device=device) * 2
    across = torch.fft.rfftfreq(width, device=device) * 2
    return torch.sqrt(down[:, None] ** 2 + across[None] ** 2).clamp_max(1.0)


def low_transfer(radii: Tensor, cutoff: float, shape: Shape) -> Tensor:
    """What a low-pass lets through at each radius, 0 to 1.

    ideal: all up to the cut-off, nothing beyond. gaussian: half the amplitude at the cut-off; at cut-off 1 everything.
    """
    if cutoff >= 1:
        return torch.ones_like(radii)
    if shape == "ideal":
        return (radii <= cutoff + 1e-6).to(radii.dtype)
    return torch.exp(-math.log(2) * (radii / max(cutoff, 1e-6)) ** 2)


def low_pass(images: Tensor, cutoffs: Sequence[float], shape: Shape = "ideal") -> Tensor:
    """Images (b, c, h, w) -> (b, cut-offs, c, h, w): at each cut-off what lies below it."""
    return _apply(images, [lambda r, c=cutoff: low_transfer(r, c, shape) for cutoff in cutoffs], keep_mean=True)


def high_pass(images: Tensor, cutoffs: Sequence[float], shape: Shape = "ideal") -> Tensor:
    """Images (b, c, h, w) -> (b, cut-offs, c, h, w): the image minus its low-pass, about middle grey.

    At cut-off 0 only the mean is gone.
    """
    return _apply(images, [lambda r, c=cutoff: 1 - low_transfer(r, c, shape) for cutoff in cutoffs], keep_mean=False)


def band_pass(images: Tensor, edges: Sequence[float], shape: Shape = "ideal") -> Tensor:
    """Images (b, c, h, w) -> (b, edges - 1, c, h, w): what lies between two neighbouring edges, about middle grey."""
    pairs = [*zip(edges[:-1], edges[1:], strict=True)]
    bands = [lambda r, p=pair: low_transfer(r, p[1], shape) - low_transfer(r, p[0], shape) for pair in pairs]
    return _apply(images, bands, keep_mean=False)


def ring_shares(images: Tensor, rings: int) -> Tensor:
    """(b, c, h, w) -> (b, rings): each image's energy in equally wide rings of radial frequency, as shares of its total.

    By Parseval's theorem the energy of all rings is the sum of the squared pixels. An image of zeros gives zeros.
    """
    energy = ring_energy(images, rings)
    return energy / energy.sum(1, keepdim=True).clamp_min(torch.finfo(energy.dtype).tiny)


def ring_energy(images: Tensor, rings: int) -> Tensor:
    """(b, c, h, w) -> (b, rings): energy of each ring, summed over channels; all rings together hold sum(pixels ** 2)."""
    batch, _, height, width = images.shape
    spectrum = torch.fft.rfft2(images, norm="ortho")
    power = (spectrum.real**2 + spectrum.imag**2).sum(1)
    # rfft2 leaves out one of each pair of mirrored frequencies: count those columns twice that stand for two.
    twice = torch.full((power.shape[2],), 2.0, device=images.device, dtype=power.dtype)
    twice[0] = 1
    if width % 2 == 0:
        twice[-1] = 1
    ring = (radius(height, width, images.device) * rings).ceil().long().sub(1).clamp(0, rings - 1).flatten()
    total = power.new_zeros(batch, rings)
    return total.index_add_(1, ring, (power * twice).flatten(1))


def _apply(images: Tensor, transfers: Sequence, keep_mean: bool) -> Tensor:
    """One transform of the images, one product and one transform back for each transfer function."""
    height, width = images.shape[2:]
    radii = radius(height, width, images.device)
    masks = torch.stack([transfer(radii) for transfer in transfers])
    if not keep_mean:
        masks[:, 0, 0] = 0
    spectrum = torch.fft.rfft2(images)
    filtered = torch.fft.irfft2(spectrum[:, None] * masks[None, :, None], s=(height, width))
    return filtered if keep_mean else filtered + GREY
