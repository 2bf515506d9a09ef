"""Which layers, recipes and sites a view shows besides the one that was picked, and whether a model has what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.core.address import Address
from engine.core.choices import COMPARED_RECIPES, DEFAULT_DATA
from engine.core.errors import BadRequest, VitrineError
from engine.models.catalog import sites_of

if TYPE_CHECKING:
    from engine.sites.access import Site

MAX_ROWS = 8
"""The most layers that the whole-depth view shows of one model: first, last, and evenly between."""


def usual(sites: Sequence[Site]) -> Site:
    """Where a newcomer begins: three quarters into the network, in the MLP of a ViT or a block of a CNN."""
    role = "mlp.hidden" if is_transformer(sites) else "stage.block"
    alike = [site for site in sites if site.role == role] or list(sites)
    return alike[min(3 * len(alike) // 4, len(alike) - 1)]


def is_transformer(sites: Sequence[Site]) -> bool:
    """Whether the network is a row of blocks with a residual stream."""
    return any(site.role == "residual" for site in sites)


def through_depth(address: Address) -> list[Address]:
    """The same units in the layers of the same role, from the image to the head; at most MAX_ROWS of them.

    Units and targets that a layer does not have are left out. Raises VitrineError for a site that the model does not have.
    """
    from engine.sites.access import find

    sites = sites_of(address.model)
    role = find(sites, address.site).role
    alike = [site for site in sites.values() if site.role == role]
    if len(alike) > MAX_ROWS:
        alike = [alike[round(step * (len(alike) - 1) / (MAX_ROWS - 1))] for step in range(MAX_ROWS)]
    return _at(alike, address)


def compared() -> tuple[str, ...]:
    """The recipes of a comparison: those that are compared, then `fast` with one part after the other taken away."""
    from engine.visualization.recipes import ABLATIONS

    return (*COMPARED_RECIPES, *ABLATIONS)


def side_by_side(address: Address) -> list[Address]:
    """The same units at every site of the address's block, in order; what a site does not have is left out.

    Raises VitrineError for a site that the model does not have.
    """
    from engine.sites.access import find

    sites = sites_of(address.model)
    block = find(sites, address.site).block
    return _at([site for site in sites.values() if site.block == block], address)


def _at(sites: Iterable[Site], address: Address) -> list[Address]:
    """The units and targets of an address at each of these sites, as far as a site has them; sites with none are left out."""
    model = address.model
    everywhere = [
        Address(
            model,
            site.name,
            tuple(unit for unit in address.units if unit < site.units),
            tuple(target for target in address.targets if not _refusal(model, site.name, target)),
        )
        for site in sites
    ]
    return [each for each in everywhere if each.names]


def _refusal(model: str, site: str, target: str, data: str = DEFAULT_DATA) -> VitrineError | None:
    """Why a layer has no such target; None where it has, or the model may not be loaded to tell: then nothing is made either."""
    from engine.models import catalog, guard
    from engine.visualization import objectives

    if not guard.may_load_now():
        return None
    try:
        objectives.check(catalog.load(model), site, target, data)
    except VitrineError as error:
        return error
    return None


def check(address: Address, data: str = DEFAULT_DATA) -> None:
    """Raise VitrineError, with what there is instead, where the model has no such site, unit or target, or for too many."""
    from engine.core.config import settings
    from engine.sites.access import find

    if len(address.names) > (limit := settings().units_limit):
        raise BadRequest(f"{len(address.names)} units were requested at once; the limit is {limit}. Request fewer.")
    site = find(sites_of(address.model), address.site)
    beyond = [unit for unit in address.units if unit >= site.units]
    if beyond:
        raise BadRequest(
            f"{address.model}@{address.site} has units 0 to {site.units - 1}; there is no unit {beyond[0]}."
        )
    for target in address.targets:
        if (refused := _refusal(address.model, address.site, target, data)) is not None:
            raise refused
