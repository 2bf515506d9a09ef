"""`models`, `sites` and `experiments`: what there is, with what scripts rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MODEL = "starter-cnn"


def test_models_lists_the_catalog_with_what_scripts_rely_on(ask: Callable[..., dict[str, Any]]) -> None:
    models = {model["name"]: model for model in ask("models")["models"]}
    assert {"starter-vit", "starter-cnn", "efficientnet-lite0", "dinov2-s14-saliency"} <= models.keys()
    for model in models.values():
        assert model.keys() >= {"name", "kind", "architecture", "weights", "available", "top1"}
    assert models["starter-cnn"]["available"] is True


def test_sites_come_in_order_of_depth_with_units_and_grid(ask: Callable[..., dict[str, Any]]) -> None:
    sites = ask("sites", MODEL)["sites"]
    assert [site["depth"] for site in sites] == sorted(site["depth"] for site in sites)
    assert sites[-1]["site"] == "head.logits"
    for site in sites:
        height, width, prefix = site["grid"]
        assert site["units"] > 0 and height >= 1 and width >= 1
        assert prefix == 0, "a CNN has no prefix tokens"


def test_the_vit_has_one_prefix_token(ask: Callable[..., dict[str, Any]]) -> None:
    sites = {site["site"]: site for site in ask("sites", "starter-vit")["sites"]}
    assert sites["blocks.6.mlp.hidden"]["grid"] == [12, 12, 1]
    assert sites["blocks.6.mlp.hidden"]["units"] == 768


def test_experiments_tells_what_each_asks_and_needs(ask: Callable[..., dict[str, Any]]) -> None:
    told = {each["experiment"]: each for each in ask("experiments")["experiments"]}
    assert len(told) >= 20 and told["counterfactual"]["data"] == ["labels", "matched sets"]
    assert {each["page"] for each in told.values()} == {"visualize", "spatial", "reliance", "concepts", "photo"}
