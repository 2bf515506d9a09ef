"""Results that come with Vitrine: what home, the claims and every page show before anybody has computed anything.

    python -m starter.make.results [--cache FOLDER]       # or `make results`

Computes what is not in the cache folder yet (resumable; some 15 minutes on two cores), packs it into
`starter/results/results.zip`, and writes down in `home.json` where the store has the pictures of the home page. Activation
indexes are left out: they are large, and the server makes them quietly; so is what the page of photos opens on, which takes a
second and starts by itself. No pixel of the sample photos is in it; of results on them numbers and maps are kept, and pages
draw the photo from the package that it came with. Commit both files once, when everything that they depend on is done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.core.request import Request, Result

HERE = Path(__file__).parents[2]
LEFT_OUT = ("index",)
"""Experiments whose results are too large to come along."""
LIMIT_BYTES = 15 << 20
MEGABYTE = 1 << 20


def pictures() -> dict[str, Request]:
    """The pictures of the home page, by the address of their unit."""
    from pages.common.units.rows import request
    from pages.common.units.view import View
    from pages.sections.home.gallery import EXHIBITS

    return {
        str(address): request(View(a=address, data=exhibit.data), address)
        for exhibit in EXHIBITS
        for units in exhibit.addresses
        for address in units
    }


def examples() -> Iterator[Request]:
    """What each page opens on."""
    from pages.common.units import rows
    from pages.common.units.view import example as units
    from pages.sections.concepts import requests as concepts
    from pages.sections.concepts.view import example as search
    from pages.sections.reliance import view as reliance
    from pages.sections.spatial import view as spatial

    yield from (row.request for row in rows.rows(units()))
    yield from spatial.requests(spatial.example())
    yield from (part.request for part in reliance.parts(reliance.example()))
    yield from concepts.requests(search())


def searched(found: Mapping[str, Result]) -> dict[str, Request]:
    """The pictures of the units that the search of the concepts page finds, by their address; `found` has the search."""
    from engine.core.address import Address
    from pages.sections.concepts import requests as concepts
    from pages.sections.concepts import search
    from pages.sections.concepts import view as views

    view, asked = views.example(), {}
    for part in concepts.parts(view):
        side = next(side for side in view.sides if part.name == f"find-{side}")
        for card in search.shown_at_first(view, side, found[part.request.key()]):
            address = Address(card.model, card.site, (int(card.unit),))
            asked[str(address)] = views.picture(view, card.model, card.site, card.unit)
    return asked


def requests() -> list[Request]:
    """Everything whose result comes along, each once. Raises VitrineError where a model is not installed."""
    from engine.claims.order import shipped_requests

    return [*dict.fromkeys([*pictures().values(), *examples(), *shipped_requests()])]


def compute(wanted: list[Request]) -> dict[str, Result]:
    """The results by key, computed one after the other where they are not there yet."""
    from engine.jobs.scheduler import jobs

    found: dict[str, Result] = {}
    for number, request in enumerate(wanted, start=1):
        print(f"{number} of {len(wanted)}: {request.canonical()[:100]}", file=sys.stderr, flush=True)
        ended = jobs().wait(jobs().submit(request))
        result = jobs().result(request.key())
        if result is None:
            raise SystemExit(f"{request.canonical()} did not work: {ended.error or ended.status}")
        found[request.key()] = result
    return found


def verdicts(found: Mapping[str, Result]) -> list[tuple[str, str, str]]:
    """What is found of each claim of the paper for the starter pair: its name, its title and its verdict."""
    from engine.claims import order

    told: list[tuple[str, str, str]] = []
    for claim in order.CLAIMS:
        mine = {part.name: found[part.request.key()] for part in claim.parts(order.STARTER)}
        if (verdict := claim.verdict(order.STARTER, mine)) is not None:
            told.append((claim.name, claim.title, str(verdict.word)))
    return told


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the results that come with Vitrine.")
    parser.add_argument("--cache", type=Path, default=HERE / "build" / "results", help="where to compute, and to go on")
    chosen = parser.parse_args(arguments)
    os.environ |= {"VITRINE_CACHE": str(chosen.cache.absolute()), "VITRINE_SHIPPED_RESULTS": "false"}
    os.environ.pop("VITRINE_CONFIG", None)  # nobody's own settings
    from cache import archive
    from engine.core import config
    from engine.core.paths import SHIPPED
    from pages.sections.home.gallery import LIST

    wanted = requests()
    found = compute(wanted)
    of_search = searched(found)
    found |= compute([*of_search.values()])
    hung = pictures() | of_search
    shipped = dict.fromkeys(request for request in [*wanted, *of_search.values()] if request.experiment not in LEFT_OUT)
    keys = [found[request.key()].key for request in shipped]
    SHIPPED.parent.mkdir(exist_ok=True)
    archive.export(config.store(), SHIPPED, keys, packed=True, compressed=True)
    listed = {address: found[request.key()].key for address, request in hung.items()}
    LIST.write_text(json.dumps({"pictures": listed, "verdicts": verdicts(found)}, indent=1) + "\n", encoding="utf-8")
    size = SHIPPED.stat().st_size
    print(f"{len(keys)} results, {size / MEGABYTE:.1f} MB in {SHIPPED}")
    if size > LIMIT_BYTES:
        raise SystemExit(f"That is more than {LIMIT_BYTES / MEGABYTE:.0f} MB. Ship fewer.")


if __name__ == "__main__":
    main()
