"""Random numbers that belong to one unit's picture: drawn on the CPU from the seed and the unit, so that neither the
device nor the units that share a batch change them."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, *names: str | int) -> torch.Generator:
    """A generator seeded by all of its arguments."""
    text = "/".join(str(part) for part in (seed, *names))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
