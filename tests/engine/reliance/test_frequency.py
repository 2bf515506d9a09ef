"""Filters keep what they say, energy is conserved, and models that need one band only lose it where they must."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.data.dataset import Dataset
from engine.evaluation.curves import area, curve_facts, half_cutoff, paired_curves
from engine.reliance import frequency
from engine.reliance.filters import filtered, radius, ring_energy, ring_shares
from engine.reliance.frequency import FrequencyRequest
from tests.engine.small import wrapped
from tests.engine.world import Notebook, settle

SIZE = 48


def waves(*per_image: tuple[float, float]) -> Tensor:
    """(1, 3, 48, 48): middle grey plus waves of (cycles down, cycles across the image), a tenth each."""
    rows, columns = torch.meshgrid(torch.arange(SIZE) / SIZE, torch.arange(SIZE) / SIZE, indexing="ij")
    total = sum(0.1 * torch.cos(2 * math.pi * (down * rows + across * columns)) for down, across in per_image)
    return (0.5 + total).expand(1, 3, SIZE, SIZE).contiguous()


@pytest.mark.parametrize("shape", ["ideal", "gaussian"])
@pytest.mark.parametrize("size", [(48, 48), (33, 50), (31, 31)])
def test_a_low_pass_at_1_changes_no_pixel(shape, size):
    images = torch.rand(4, 3, *size, generator=torch.Generator().manual_seed(0))
    assert (filtered(images, [(0, 1)], shape)[:, 0] - images).abs().max() < 1e-5


@pytest.mark.parametrize("shape", ["ideal", "gaussian"])
@pytest.mark.parametrize("size", [(48, 48), (33, 50)])
def test_bands_add_up_to_the_image(shape, size):
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    parts = filtered(images, [(0, 0.2), (0.2, 0.5), (0.5, 1)], shape)
    parts[:, 1:] -= 0.5  # bands stand about middle grey
    torch.testing.assert_close(parts.sum(1), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(48, 48), (33, 50), (31, 45)])
def test_parseval_holds_for_the_rings(size):
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(ring_energy(images, 20).sum(1), (images**2).sum((1, 2, 3)), rtol=1e-5, atol=0)
    torch.testing.assert_close(ring_shares(images, 20).sum(1), torch.ones(3))


def test_a_wave_stands_in_the_ring_of_its_frequency_and_passes_where_it_must():
    """6 cycles across 48 pixels are a quarter of Nyquist; 9 down and 12 across are 15, five eighths."""
    slow, fast = (0, 6), (9, 12)
    images = waves(slow, fast)
    energy = ring_energy(images - 0.5, 16)[0]
    assert (energy.argsort(descending=True)[:2].sort().values + 1).tolist() == [4, 10]
    low, high, band = filtered(images, [(0, 0.3), (0.3, 1), (0.2, 0.3)])[0]
    torch.testing.assert_close(low, waves(slow)[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(high, waves(fast)[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(band, waves(slow)[0], atol=1e-5, rtol=0)


def test_a_gaussian_halves_a_wave_at_the_cut_off():
    halved = filtered(waves((0, 12)), [(0, 0.5)], "gaussian")[0, 0]
    torch.testing.assert_close(halved - 0.5, (waves((0, 12))[0] - 0.5) / 2, atol=1e-5, rtol=0)


def test_cut_offs_mean_the_same_at_every_size():
    for side in (48, 96):
        assert radius(side, side)[0, side // 4] == 0.5
        assert radius(side, side).max() == 1.0, "the corners count to the last ring"


def test_half_cutoff_and_area_of_known_curves():
    x = [0.0, 0.5, 1.0]
    rising = np.array([[0.0, 0.5, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.9, 0.9, 1.0]])
    np.testing.assert_allclose(half_cutoff(rising, x), [0.5, 0.25, 0.75, np.nan])
    np.testing.assert_allclose(half_cutoff(rising[:, ::-1], x), [0.5, 0.75, 0.25, np.nan])
    np.testing.assert_allclose(area(rising, x), [0.5, 0.75, 0.25, 0.925])


def test_the_intervals_of_a_curve_come_from_the_same_images():
    """A model that loses exactly what it loses, on the same images at every cut-off: the ratio of 1 has no spread."""
    right = np.random.default_rng(0).random(200) < 0.7
    rows, facts = curve_facts(
        np.stack([right & False, right], 1), np.stack([right, right], 1), right, right, [0.5, 1.0]
    )
    assert (rows[1]["normalised"], rows[1]["normalised_low"], rows[1]["normalised_high"]) == (1, 1, 1)
    assert (rows[0]["normalised"], rows[0]["top5_normalised"]) == (0, 1)
    assert facts["half_cutoff"] == [0.75, 0.75, 0.75] and facts["area"] == [0.5, 0.5, 0.5]
    assert rows[0]["top1_high"] > 0


def test_curves_of_two_models_are_compared_on_the_same_images():
    """b is right wherever a is, and at half of Nyquist nowhere: the difference has no doubt about it."""
    right = np.random.default_rng(0).random(300) < 0.8
    a, b = np.stack([right, right], 1), np.stack([right & False, right], 1)
    assert paired_curves((a, right), (b, right), [0.5, 1.0])["area"] == [0.5, 0.5, 0.5]
    assert paired_curves((a, right), (b, right), [0.5, 1.0])["half_cutoff"] is None, "a never falls to half"
    noisy = a ^ (np.random.default_rng(1).random(a.shape) < 0.3)
    value, low, high = paired_curves((a, right), (noisy, right), [0.5, 1.0])["area"] or [0, 0, 0]
    assert low < value < high and paired_curves((a, right), (a, right), [0.5, 1.0])["area"] == [0, 0, 0]


def test_nothing_right_unfiltered_gives_no_normalised_number():
    wrong = np.zeros((10, 2), bool)
    rows, facts = curve_facts(wrong, wrong, wrong[:, 0], wrong[:, 0], [0.5, 1.0])
    assert np.isnan(rows[0]["normalised"]) and facts == {"area": None, "half_cutoff": None}


class Waves(Dataset):
    """Slow waves are class 0, fast waves class 1; three eighths and five eighths of Nyquist, ten images each."""

    name = "waves"
    class_names = ("slow", "fast")

    def _fingerprint(self) -> str:
        return "waves"

    def __len__(self) -> int:
        return 20

    def image(self, index: int) -> np.ndarray:
        image = waves(((0, 9), (9, 12))[index % 2]) + 0.02 * waves((1 + index // 2, 0))
        return (image[0] * 255).round().byte().permute(1, 2, 0).numpy()

    def label(self, index: int) -> int | None:
        return index % 2

    def describe(self, index: int) -> dict:
        return {"id": index}


class Ear(nn.Module):
    """Answers slow or fast, whichever band holds more energy; neither (class 2) where both hold next to none."""

    def forward(self, images: Tensor) -> Tensor:
        rings = ring_energy(images, 16)
        heard = torch.stack([rings[:, 4:7].sum(1), rings[:, 8:11].sum(1)], 1)
        return torch.cat([heard, torch.full((len(images), 1), 2.0)], 1)


@pytest.fixture
def listening(monkeypatch):
    loaded = wrapped("ear", Ear(), (SIZE, SIZE))
    loaded.class_names = ("slow", "fast", "neither")
    settle(monkeypatch, {"ear": loaded}, lambda name: Waves(), classes=3)


def listen(**more) -> Result:
    return build(FrequencyRequest, model="ear", data="waves", **more).run(Notebook())


def test_accuracy_falls_where_the_cue_is_cut(listening):
    result = listen(cutoffs=(0.2, 0.4, 0.6, 0.8, 1.0), bands=(0.0, 0.3, 0.5, 1.0))
    low, high, band = (result.tables[name] for name in ("low", "high", "band"))
    assert low.top1.tolist() == [0, 0.5, 0.5, 1, 1], "first both are gone, then the fast one"
    assert high.top1.tolist() == [1, 0.5, 0.5, 0, 0]
    assert band.top1.tolist() == [0, 0.5, 0.5]
    assert low.cutoff.tolist() == [0.2, 0.4, 0.6, 0.8, 1.0] and (low.n == 20).all()
    assert result.facts["full"]["top1"] == 1
    assert result.facts["low_area"][0] == pytest.approx((0.25 + 0.5 + 0.75 + 1) * 0.2 / 0.8)
    (row,) = frequency.paired([result, result])
    assert row["area"] == [0, 0, 0] and row["half_cutoff"] is not None
    assert len(result.facts["variants"]) == 1 + 4 + 5 + 3, "the low-pass at 1 is the image itself, and not run again"


def test_curves_of_filters_with_another_edge_are_not_compared(listening):
    sharp, soft = (listen(cutoffs=(0.3, 0.5), high=False, bands=(), filter=edge) for edge in ("ideal", "gaussian"))
    assert sharp.facts["variants"] == soft.facts["variants"]
    with pytest.raises(BadRequest, match="not of the same"):
        frequency.paired([sharp, soft])


def test_each_cutoff_alone_gives_the_same_as_all_together(listening):
    together = listen(cutoffs=(0.3, 0.5), high=False, bands=())
    for place, cutoff in enumerate((0.3, 0.5)):
        alone = listen(cutoffs=(cutoff,), high=False, bands=())
        np.testing.assert_allclose(alone.arrays["loss"][:, 1], together.arrays["loss"][:, 1 + place], atol=1e-4)


def test_cutoffs_that_make_no_sense_are_refused():
    for cutoffs in ((0.5, 0.2), (0.5, 1.5), (-0.1,), ()):
        with pytest.raises(BadRequest, match="cutoffs"):
            build(FrequencyRequest, model="ear", cutoffs=cutoffs)
    with pytest.raises(BadRequest, match="No filter"):
        build(FrequencyRequest, model="ear", low=False, high=False, bands=()).filters()
