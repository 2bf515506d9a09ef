"""How many pictures are made at once: by the device's memory, the same at every run, and learned from running out."""

from __future__ import annotations

import pytest
import torch

from engine.core import devices
from engine.visualization.optimization import batch_size
from engine.visualization.optimization.batch_size import copy_bytes, in_batches, pictures_at_once, sizes_for
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
    one = copy_bytes(small_vit(), SITE) * FAST.copies
    assert pictures_at_once(FAST, gpu(1 << 40), SITE) == 64
    assert pictures_at_once(FAST, gpu(int(20.5 * one / batch_size.SHARE)), SITE) == 16
    assert pictures_at_once(FAST, gpu(int(60.5 * one / batch_size.SHARE)), SITE) == 16, "not by the last byte"
    assert pictures_at_once(FAST, gpu(1), SITE) == 1
    assert pictures_at_once(PAPER, gpu(1 << 40), SITE) == 16, "64 pictures would be more copies than fill the device"


def test_on_a_cpu_no_tensor_of_a_batch_is_larger_than_the_memory_that_is_kept():
    model = small_vit()
    model.images_per_pass(1)
    for widest, most in ((1, 16), (devices.LARGEST_KEPT // 32, 16), (devices.LARGEST_KEPT // 31, 4), (1 << 30, 1)):
        model._widest = widest
        assert pictures_at_once(FAST, model, SITE) == most


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (2, [1, 1]), (3, [4]), (5, [4, 1]), (12, [4, 4, 4]), (16, [16]), (18, [16, 1, 1])]
)
def test_a_batch_is_filled_up_only_where_that_costs_less_than_a_smaller_one(count, sizes):
    assert list(sizes_for(count, FAST, small_vit(), SITE)) == sizes


def test_three_pictures_of_many_copies_each_are_made_one_by_one():
    """A step of eight copies is work enough: there a batch saves less than a fourth picture costs."""
    assert list(sizes_for(3, PAPER, small_vit(), SITE)) == [1, 1, 1] and list(
        sizes_for(4, PAPER, small_vit(), SITE)
    ) == [4]


def test_a_deeper_site_holds_more():
    model = small_vit()
    sizes = [copy_bytes(model, f"blocks.{block}.mlp.hidden") for block in range(3)]
    assert sizes == sorted(set(sizes))


def test_running_out_of_memory_is_learned_once(gpu):
    model, tried = gpu(1 << 40), []

    def hungry(places: range, size: int) -> None:
        tried.append((len(places), size))
        if size > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")

    in_batches(70, FAST, model, SITE, hungry)
    assert tried == [(64, 64), (16, 16), (16, 16), (16, 16), (16, 16), (6, 16)]
    assert list(sizes_for(40, FAST, model, SITE)) == [16, 16, 16]
    assert list(sizes_for(40, FAST.model_copy(update={"steps": 3}), model, SITE)) == [64], (
        "another recipe has not learned"
    )
