"""A model's depth in the same words for every architecture: what enters its first block, then block after block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.sites.access import Site


@dataclass(frozen=True)
class Layer:
    """One block: the site of what leaves it, and the site whose position maps people look at (its hidden features)."""

    tokens: Site
    maps: Site


def layers_of(sites: Mapping[str, Site]) -> tuple[Site, list[Layer]]:
    """What enters the first block, and every block after it, from the image to the head."""
    blocks: dict[str, list[Site]] = {}
    for site in sites.values():
        if site.role != "head.logits":
            blocks.setdefault(site.block, []).append(site)
    entry, *rest = blocks.values()
    hidden = [next((site for site in block if site.role == "mlp.hidden"), block[-1]) for block in rest]
    return entry[-1], [Layer(block[-1], maps) for block, maps in zip(rest, hidden, strict=True)]
