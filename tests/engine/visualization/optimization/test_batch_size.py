"""How many pictures are made at once: by the device's memory, the same at every run, and learned from running out."""

from __future__ import annotations

import pytest
import torch

from engine.core import devices
from engine.visualization.optimization import batch_size
from engine.visualization.optimization.batch_size import pictures_at_once, row_bytes, with_fitting_batch
from engine.visualization.recipes import FAST, PAPER
from tests.engine.small import small_vit

SITE = "blocks.1.mlp.hidden"


@pytest.fixture
def gpu(monkeypatch):
    """A model that believes to be on a GPU, and a way to say how much memory that has."""
    model = small_vit()
    model.sites  # noqa: B018 - found on the CPU, before the device is another
    model.device = torch.device("cuda")
    monkeypatch.setattr(batch_size, "_FITTED", {})

    def with_memory(size: int):
        monkeypatch.setattr(devices, "describe", lambda device: {"memory_total": size})
        return model

    return with_memory


def test_a_large_device_is_filled_and_a_small_one_gets_what_fits(gpu):
    one = row_bytes(small_vit(), SITE) * FAST.copies
    assert pictures_at_once(FAST, gpu(1 << 40), SITE) == 256 // FAST.copies
    assert pictures_at_once(FAST, gpu(int(10.5 * one / batch_size.SHARE)), SITE) == 8
    assert pictures_at_once(FAST, gpu(int(15.5 * one / batch_size.SHARE)), SITE) == 8, "not by the last byte"
    assert pictures_at_once(FAST, gpu(1), SITE) == 1
    assert pictures_at_once(PAPER, gpu(1 << 40), SITE) == 256 // PAPER.copies


def test_a_deeper_site_holds_more():
    model = small_vit()
    sizes = [row_bytes(model, f"blocks.{block}.mlp.hidden") for block in range(3)]
    assert sizes == sorted(set(sizes))


def test_running_out_of_memory_is_learned_once(gpu):
    model, tried = gpu(1 << 40), []

    def hungry(pictures: int) -> str:
        tried.append(pictures)
        if pictures > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "made"

    assert [with_fitting_batch(FAST, model, SITE, hungry) for _ in range(2)] == ["made", "made"]
    assert tried == [128, 64, 32, 16, 16]
    assert pictures_at_once(PAPER, model, SITE) == 32, "another recipe has not learned from it"
