"""Low-pass, high-pass and band-pass filters of images, all cut-offs from one Fourier transform.

Frequencies are radial, as a fraction of Nyquist (1 = half a cycle a pixel, whatever the image's size, so that models
of different input size compare). The corners of the spectrum, beyond Nyquist's circle, count as 1: so a low-pass at
cut-off 1 changes nothing. Filters act on [0, 1] pixels and are linear: their output is not clipped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.core.choices import DEFAULT_FILTER, Filter

GREY = 0.5  # stands for the mean that a high-pass or band-pass takes away


def radius(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """(height, width // 2 + 1): radial frequency of each entry of `rfft2`, as a fraction of Nyquist, at most 1."""
    down = torch.fft.fftfreq(height, device=device) * 2
    across = torch.fft.rfftfreq(width, device=device) * 2
    return torch.sqrt(down[:, None] ** 2 + across[None] ** 2).clamp_max(1.0)


def kept_radius(size: tuple[int, int], cutoff: float, shape: Filter) -> float:
    """The largest radial frequency that images of this (height, width) hold and a low-pass lets through (at least half of
    its amplitude): below the cut-off, since there are only so many frequencies. 0 where only the mean is left."""
    radii = radius(*size)
    through = low_transfer(radii, cutoff, shape) >= 0.5 - 1e-6
    return float(radii[through].max())


def low_transfer(radii: Tensor, cutoff: float, shape: Filter) -> Tensor:
    """What a low-pass lets through at each radius, 0 to 1.

    ideal: all up to the cut-off, nothing beyond. gaussian: half the amplitude at the cut-off; at cut-off 1 everything.
    """
    if cutoff >= 1:
        return torch.ones_like(radii)
    if shape == "ideal":
        return (radii <= cutoff + 1e-6).to(radii.dtype)
    return torch.exp(-math.log(2) * (radii / max(cutoff, 1e-6)) ** 2)


def filtered(images: Tensor, spans: Sequence[Sequence[float]], shape: Filter = DEFAULT_FILTER) -> Tensor:
    """Images (b, c, h, w) -> (b, spans, c, h, w): what lies between two frequencies (from, to), for each span.

    One Fourier transform an image serves all spans. (0, c) is a low-pass and keeps the mean; every other span, (c, 1) the
    high-pass among them, takes the mean away and stands about middle grey. (0, 1) is the image itself.
    """
    height, width = images.shape[2:]
    radii = radius(height, width, images.device)
    masks = torch.stack([_transfer(radii, float(lower), float(upper), shape) for lower, upper in spans])
    grey = torch.tensor([GREY if lower > 0 else 0.0 for lower, _ in spans], device=images.device)
    spectrum = torch.fft.rfft2(images)
    kept = torch.fft.irfft2(spectrum[:, None] * masks[None, :, None], s=(height, width))
    return kept.add_(grey.view(1, -1, 1, 1, 1))


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


def _transfer(radii: Tensor, lower: float, upper: float, shape: Filter) -> Tensor:
    """What a span lets through at each radius; the mean only where it begins at 0."""
    through = low_transfer(radii, upper, shape)
    if lower > 0:
        through = through - low_transfer(radii, lower, shape)
        through[0, 0] = 0
    return through
