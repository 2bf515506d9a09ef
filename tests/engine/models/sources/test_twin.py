"""Untrained twins: the same architecture with other weights, the same ones each time, for all that can be built anew."""

from __future__ import annotations

import pytest
import torch

from engine.core.errors import BadRequest
from engine.models import catalog
from engine.models.source import fingerprint_of


@pytest.mark.parametrize("name", ["starter-vit", "starter-cnn", "starter-clip"])
def test_a_twin_has_its_models_sites_and_shapes_and_other_weights(name: str) -> None:
    twin = catalog.load(catalog.twin(name), "cpu")
    model = catalog.load(name, "cpu")
    assert [(site.name, site.units) for site in twin.sites.values()] == [
        (site.name, site.units) for site in model.sites.values()
    ]
    ours, theirs = twin.module.state_dict(), model.module.state_dict()
    assert ours.keys() == theirs.keys()
    assert not all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert (twin.clip is None) == (model.clip is None)


def test_the_same_name_gives_the_same_weights_and_draws_none_of_anybodys_random_numbers() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    states = []
    for _ in range(2):
        entry = catalog.find("twin/starter-cnn")
        states.append(catalog.source_of(entry).build(entry, {}).module.state_dict())
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one, other) for one, other in zip(*(state.values() for state in states), strict=True))


def test_a_twin_is_not_listed_has_no_twin_and_another_fingerprint() -> None:
    assert not any(entry.name.startswith("twin/") for entry in catalog.entries())
    assert catalog.twin("twin/starter-vit") is None
    assert catalog.fingerprint("twin/starter-vit") != catalog.fingerprint("starter-vit")


def test_twins_in_which_nothing_was_silent_keep_their_results() -> None:
    """What was measured of a plain vision transformer's twin stays; of the others it is asked anew."""

    def kept(name: str) -> bool:
        entry = catalog.find(f"twin/{name}")
        return catalog.fingerprint(entry.name) == fingerprint_of(entry, "untrained random, seed 0")

    assert kept("starter-vit") and kept("starter-clip") and kept("timm/vit_base_patch16_224.augreg_in21k")
    assert (
        not kept("starter-cnn") and not kept("dinov2-s14-saliency") and not kept("timm/deit3_small_patch16_224.fb_in1k")
    )


def test_a_starter_models_twin_is_as_drawn_or_has_no_silent_branch() -> None:
    for name in ("starter-vit", "starter-clip", "starter-cnn"):
        module = catalog.load(f"twin/{name}", "cpu").module
        silent = [path for path, weights in module.named_parameters() if path.endswith("weight") and not weights.any()]
        assert not silent


def test_what_cannot_be_built_anew_has_no_twin_and_says_so() -> None:
    assert catalog.twin("mine/Net-0123456789ab") is None
    with pytest.raises(BadRequest, match="has no untrained twin"):
        catalog.find("twin/mine/Net-0123456789ab")
