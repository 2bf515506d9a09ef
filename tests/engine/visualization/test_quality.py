"""Quality beyond activation: other models' word and other seeds', on models whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.imagenet import imagenet_names
from engine.models import catalog
from engine.visualization import diversity, quality
from engine.visualization.quality import between_units, judges_of, recognised, stability
from tests.conftest import hand_out
from tests.engine.small import small_vit, wrapped

SITE = "blocks.1.mlp.hidden"


class Brightness(nn.Module):
    """Ten classes in the order of how bright the image is: bright images are classes 0 to 4, dark ones 5 to 9."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = nn.Parameter(torch.tensor(sign))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        level = images.mean((1, 2, 3))
        return self.sign * level[:, None] * torch.linspace(1, -1, 10)


def test_recognised_is_the_share_of_judges_with_the_class_among_their_best_five(monkeypatch):
    judges = {"right": wrapped("right", Brightness(1.0)), "wrong": wrapped("wrong", Brightness(-1.0))}
    hand_out(monkeypatch, judges)
    images = np.stack([np.ones((3, 40, 40)), np.zeros((3, 40, 40))]).astype(np.float32)  # scaled to 32 x 32
    share, heard = recognised(["right"], [0, 9], images)
    assert share.tolist() == [1, 1] and heard == ["right"]
    assert recognised(["right"], [9, 0], images)[0].tolist() == [0, 0]
    assert recognised(["right", "wrong"], [0, 9], images)[0].tolist() == [0.5, 0.5]
    nobody, heard = recognised([], [0, 9], images)
    assert np.isnan(nobody).all() and heard == []


def test_only_other_models_with_the_same_classes_judge(monkeypatch):
    def entry(name, classes, available=True, kind="local"):
        return SimpleNamespace(name=name, class_names=classes, available=available, kind=kind)

    same, other = tuple("abcdef"), tuple("abcdeg")
    entries = [entry("me", same), entry("x", same), entry("y", other), entry("z", same, False), entry("w", None)]
    monkeypatch.setattr(quality.catalog, "entries", lambda: entries)
    assert judges_of(SimpleNamespace(name="me", class_names=same)) == ["x"]
    assert judges_of(SimpleNamespace(name="w", class_names=None)) == []


def test_to_be_among_the_best_five_of_five_classes_is_no_recognition(monkeypatch):
    few = SimpleNamespace(name="x", class_names=tuple("abcde"), available=True, kind="local")
    monkeypatch.setattr(quality.catalog, "entries", lambda: [few])
    assert judges_of(SimpleNamespace(name="me", class_names=few.class_names)) == []


def test_imagenet_models_judge_each_other_though_their_names_are_the_librarys(monkeypatch):
    entries = [catalog.find(f"timm/{name}") for name in ("resnet18.a1_in1k", "vit_tiny_patch16_224.augreg_in21k")]
    monkeypatch.setattr(quality.catalog, "entries", lambda: [replace(entry, available=True) for entry in entries])
    assert judges_of(SimpleNamespace(name="me", class_names=imagenet_names())) == ["timm/resnet18.a1_in1k"]


def pictures(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((2, 3, 32, 32)).astype(np.float32)


def test_the_same_pictures_at_every_seed_are_wholly_stable_and_others_less():
    model = small_vit()
    same = stability(model, SITE, [pictures(0)] * 3, np.array([[1.0, 2.0]] * 3))
    assert same.stability.tolist() == pytest.approx([1, 1], abs=1e-4)
    assert same.seed_spread.tolist() == [0, 0]
    other = stability(model, SITE, [pictures(0), 1 - pictures(1)], np.array([[1.0, 2.0], [3.0, 2.0]]))
    assert (other.stability < same.stability).all()
    assert other.seed_spread.tolist() == pytest.approx([0.5, 0])


def test_between_units_is_one_for_twins_and_unknown_for_one():
    model = small_vit()
    assert between_units(model, SITE, pictures(0)[[0, 0]]) == pytest.approx(1, abs=1e-4)
    assert np.isnan(between_units(model, SITE, pictures(0)[:1]))


def test_likeness_is_the_same_however_the_pictures_are_cut_into_passes(monkeypatch):
    model, many = small_vit(), np.concatenate([pictures(seed) for seed in range(4)])
    together = diversity.likeness_of(model, SITE, many)
    monkeypatch.setattr(diversity, "PASS", 3)
    np.testing.assert_allclose(diversity.likeness_of(model, SITE, many), together, atol=1e-5)
