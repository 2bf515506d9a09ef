"""`models` and `sites`: what there is to look at."""

from __future__ import annotations

from argparse import Namespace

from engine.cli.answer import Answer, table
from engine.models import catalog


def models(arguments: Namespace) -> Answer:
    """Every model of the catalog."""
    names = ("name", "kind", "architecture", "weights", "available", "top1")
    rows = [{name: getattr(entry, name) for name in names} for entry in catalog.entries()]
    return Answer({"models": rows}, table(names, [tuple(row.values()) for row in rows]))


def sites(arguments: Namespace) -> Answer:
    """The sites of one model, in order of depth; `grid` is [height, width, prefix tokens]."""
    found = catalog.load(arguments.model).sites.values()
    facts = [
        {
            "site": site.name,
            "units": site.units,
            "grid": [site.grid.height, site.grid.width, site.grid.prefix],
            "role": site.role,
            "depth": site.depth,
        }
        for site in found
    ]
    rows = [(s.name, s.units, f"{s.grid.height} x {s.grid.width}", s.grid.prefix, s.role) for s in found]
    text = table(("site", "units", "positions", "prefix tokens", "role"), rows)
    return Answer({"model": arguments.model, "sites": facts}, text)
