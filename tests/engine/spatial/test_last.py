"""Heads, isolation and uniform attention: against the plain way, and where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.models.loaded import LoadedModel
from engine.spatial.last import measure, result_of
from engine.spatial.probes import Probes
from tests.engine.small import small_cnn
from tests.engine.spatial.known import CLASSES, NAMES, Squares, averaging_last, over, vit, without_mixing


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
    found = measure(over(vit(), Squares())).tables["accuracy"].set_index("name")
    first, last, natural = found.loc["isolation 0"], found.loc["isolation 3"], found.loc["natural"]
    assert (first.top1, first.top5) == (natural.top1, natural.top5) and first.difference == 0
    assert last.top1 == 1 / CLASSES and last.n == 16  # the same answer to every image, right for one class
    assert found.loc["cls_only 3"].top1 == natural.top1 and found.loc["cls_only 0"].top1 == 1 / CLASSES
    assert natural.interval_low < natural.top1 < natural.interval_high or natural.top1 in (0, 1)


def test_a_class_token_that_never_meets_the_patches_loses_nothing_by_isolation() -> None:
    found = measure(over(vit(change=without_mixing), Squares())).tables["accuracy"]
    kept = found[found.experiment.isin(["isolation", "cls_only", "uniform"])]
    assert (kept.difference == 0).all() and len(kept) == 4 + 4 + 3 + 2


def test_a_block_that_averages_loses_nothing_by_uniform_attention() -> None:
    model = vit(change=averaging_last)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        probes = Recorded(model)
        probes.add(images, torch.tensor([0, 1]))
    torch.testing.assert_close(probes.logits["uniform 2"], probes.logits["natural"], atol=1e-5, rtol=1e-5)
    result = result_of(probes, 2, CLASSES)
    last = result.tables["attention"].query("block == 2")
    assert last.entropy.tolist() == pytest.approx([1.0, 1.0]) and last.distance.max() < 1e-6
    assert result.tables["attention"].query("block == 0").entropy.max() < 0.99
    # All tokens are the mean, so every position answers what the class token answers.
    assert np.ptp(result.arrays["position_accuracy"], axis=(1, 2)).tolist() == [0, 0]


def test_a_network_without_attention_has_heads_and_positions_and_says_the_rest_in_one_line() -> None:
    model = small_cnn()
    model.module.reset_classifier(CLASSES)  # type: ignore[operator]
    model.class_names = NAMES
    found = measure(over(model, Squares()))
    assert set(found.tables["accuracy"].experiment) == {"natural", "heads"}
    assert len(found.facts["missing"]) == 1 and "neither attention nor a class token" in found.facts["missing"][0]
    natural, mean = (found.tables["accuracy"].set_index("name").loc[name] for name in ("natural", "patch_mean"))
    assert natural.top1 == mean.top1  # its own pooling is the mean
    assert found.arrays["position_accuracy"].shape[1:] == (1, 1)


def test_a_vit_that_pools_its_patches_has_no_class_token_to_isolate() -> None:
    model = vit(global_pool="avg")
    found = measure(over(model, Squares()))
    assert {"isolation", "cls_only"}.isdisjoint(found.tables["accuracy"].experiment)
    assert "uniform" in set(found.tables["accuracy"].experiment)
    assert any("does not use a class token" in line for line in found.facts["missing"])


def test_chance_is_among_all_classes_that_the_model_answers_with() -> None:
    model = vit(num_classes=8)
    model.class_names = (*NAMES, "black", "grey", "pink", "brown")
    assert measure(over(model, Squares())).facts["chance"] == 1 / 8
