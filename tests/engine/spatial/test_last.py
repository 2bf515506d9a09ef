"""Heads, isolation and uniform attention: against the plain way, and where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from engine.core import config
from engine.models.loaded import LoadedModel
from engine.sites.attention import held, projected
from engine.spatial import attention
from engine.spatial.last import LastLayerRequest, measure, result_of
from engine.spatial.probes import Probes
from tests.conftest import forget_settings
from tests.engine.clips import Desk
from tests.engine.data.formats.on_disk import ilsvrc
from tests.engine.small import small_cnn
from tests.engine.spatial.known import CLASSES, NAMES, Squares, averaging_last, over, vit, without_mixing
from tests.engine.world import KINDS


class Recorded(Probes):
    """Keeps the logits themselves, so that they can be compared."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.logits: dict[str, torch.Tensor] = {}
        add, single = self.answers.add, self.positions.add
        self.answers.add = lambda name, logits, labels: (self.logits.update({name: logits}), add(name, logits, labels))[
            1
        ]
        self.positions.add = lambda logits, labels: (self.logits.update(each=logits), single(logits, labels))[1]


def test_isolating_nothing_changes_nothing_and_isolating_all_leaves_chance() -> None:
    table = measure(over(vit(), Squares())).tables["accuracy"].set_index("name")
    first, last, natural = table.loc["isolation 0"], table.loc["isolation 3"], table.loc["natural"]
    assert (first.top1, first.top5) == (natural.top1, natural.top5) and first.difference == 0
    assert last.top1 == 1 / CLASSES and last.n == 16  # the same answer to every image, right for one class
    assert table.loc["cls_only 3"].top1 == natural.top1 and table.loc["cls_only 0"].top1 == 1 / CLASSES
    assert natural.interval_low < natural.top1 < natural.interval_high or natural.top1 in (0, 1)


def test_a_class_token_that_never_meets_the_patches_loses_nothing_by_isolation() -> None:
    table = measure(over(vit(change=without_mixing), Squares())).tables["accuracy"]
    kept = table[table.experiment.isin(["isolation", "cls_only", "uniform"])]
    assert (kept.difference == 0).all() and len(kept) == 4 + 4 + 3 + 2


def test_a_block_that_averages_loses_nothing_by_uniform_attention() -> None:
    model = vit(change=averaging_last)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        probes = Recorded(model)
        probes.add(images, torch.tensor([0, 1]))
    torch.testing.assert_close(probes.logits["uniform 2"], probes.logits["natural"], atol=1e-5, rtol=1e-5)
    result = result_of(probes, np.arange(2), CLASSES)
    last = result.tables["attention"].query("block == 2")
    assert last.entropy.tolist() == pytest.approx([1.0, 1.0]) and last.distance.max() < 1e-6
    assert result.tables["attention"].query("block == 0").entropy.max() < 0.99
    # All tokens are the mean, so every position answers what the class token answers.
    assert np.ptp(result.arrays["position_accuracy"], axis=(1, 2)).tolist() == [0, 0]


def test_a_network_without_attention_has_heads_and_positions_and_says_the_rest_in_one_line() -> None:
    model = small_cnn()
    model.module.reset_classifier(CLASSES)  # type: ignore[operator]
    model.class_names = NAMES
    result = measure(over(model, Squares()))
    assert set(result.tables["accuracy"].experiment) == {"natural", "heads"}
    assert len(result.facts["missing"]) == 1 and "neither attention nor a class token" in result.facts["missing"][0]
    natural, mean = (result.tables["accuracy"].set_index("name").loc[name] for name in ("natural", "patch_mean"))
    assert natural.top1 == mean.top1  # its own pooling is the mean
    assert result.arrays["position_accuracy"].shape[1:] == (1, 1)


def test_a_vit_that_pools_its_patches_has_no_class_token_to_isolate() -> None:
    model = vit(global_pool="avg")
    result = measure(over(model, Squares()))
    assert {"isolation", "cls_only"}.isdisjoint(result.tables["accuracy"].experiment)
    assert "uniform" in set(result.tables["accuracy"].experiment)
    assert any("does not use a class token" in line for line in result.facts["missing"])


NARROW = {"depths": [1, 1, 1, 1], "embed_dims": [8, 16, 24, 32], "num_heads": [1, 2, 3, 4]}


def placed(person: Path, architecture: str, **kwargs: Any) -> str:
    """A small network of the kinds of the tiny world, in a person's folder, with scenes that show them."""
    torch.manual_seed(0)
    module = timm.create_model(architecture, num_classes=4, **kwargs)
    for part in attention.attentions(module):
        for name, rows in projected(part):
            weight, at = held(rows)
            weight.data[at] *= 50 if name == "query" else 1  # far from uniform
    save_file(module.state_dict(), person / "small.safetensors")
    facts = {"name": architecture, "architecture": architecture, "weights": "small.safetensors", "input_size": 64}
    lines = [f"{name} = {json.dumps(value)}" for name, value in (facts | {"classes": [*KINDS]}).items()]
    lines += [f"kwargs.{name} = {json.dumps(value)}" for name, value in kwargs.items()]
    with (person / "models.toml").open("a") as file:
        file.write("\n".join(["[[model]]", *lines, ""]))
    ilsvrc(person / "boxed", 8)
    with (person / "vitrine.toml").open("a") as file:
        file.write('boxed = "boxed"\n')
    forget_settings(config)
    return f"local/{architecture}"


def test_the_attention_of_a_pyramid_is_measured_through_the_request(person: Path) -> None:
    """PVT v2: queries at every position, keys and values at fewer."""
    result = LastLayerRequest(model=placed(person, "pvt_v2_b0", **NARROW), data="boxed").run(Desk())
    rows = result.tables["accuracy"].query("experiment == 'uniform'")
    assert rows["index"].tolist() == [0, 1, 2, 3, 3, 3, 3, 3] and rows["head"].dropna().tolist() == [0, 1, 2, 3]
    assert (rows.n == 8).all()
    seen = result.tables["attention"]
    assert list(zip(seen.block, seen["head"], strict=True)) == [(b, h) for b in range(4) for h in range(b + 1)]
    assert seen.entropy.between(0.01, 0.999).all() and (seen.n == 8).all() and result.facts["watched"] == 8
    assert not any("attention" in line for line in result.facts["missing"])


def test_chance_is_among_all_classes_that_the_model_answers_with() -> None:
    model = vit(num_classes=8)
    model.class_names = (*NAMES, "black", "grey", "pink", "brown")
    assert measure(over(model, Squares())).facts["chance"] == 1 / 8
