"""Models that need one band only lose it where they must."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.core.statistics import level_among
from engine.data.dataset import Dataset
from engine.evaluation.curves import area
from engine.reliance import frequency
from engine.reliance.filters import kept_radius, ring_energy
from engine.reliance.frequency import FrequencyRequest
from tests.engine.contexts import Notebook
from tests.engine.reliance.test_filters import SIZE, waves
from tests.engine.small import wrapped
from tests.engine.world import settle


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
    kept = [kept_radius((SIZE, SIZE), cutoff, "ideal") for cutoff in low.cutoff]
    assert low.kept.tolist() == kept and high.kept.tolist() == kept and low.kept.lt(low.cutoff).sum() == 4
    assert result.facts["low_area"][0] == pytest.approx(area(np.array([[0, 0.5, 0.5, 1, 1]]), kept)[0])
    (row,) = frequency.paired([result, result])
    assert row["area"] == [0, 0, 0] and row["half_cutoff"] is not None and row["level"] == 0.95
    assert [each["level"] for each in frequency.paired([result] * 3)] == [level_among(3)] * 3, (
        "all three pairs are told"
    )
    assert len(result.facts["variants"]) == 1 + 4 + 5 + 3, "the low-pass at 1 is the image itself, and not run again"


def test_curves_of_filters_with_another_edge_are_not_compared(listening):
    sharp, soft = (listen(cutoffs=(0.3, 0.5), high=False, bands=(), filter=edge) for edge in ("ideal", "gaussian"))
    assert sharp.facts["variants"] == soft.facts["variants"]
    with pytest.raises(BadRequest, match="These results differ in"):
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


def heard(*shares: float, images: int = 200) -> Result:
    """A result with a band for each of these shares of the images, which are right on the same images first."""
    top = np.zeros((images, 1 + len(shares), 5), np.int32)
    top[..., 1:] = 9
    for place, share in enumerate(shares, start=1):
        top[:, place, 0] = np.arange(images) >= share * images
    variants = [["full", 0.0, 1.0], *(["band", place / 10, (place + 1) / 10] for place in range(len(shares)))]
    return Result({}, {"labels": np.zeros(images, np.int32), "top": top}, {}, {"variants": variants})


def test_the_best_band_is_held_against_the_next_on_the_same_images():
    best, following, lead, least = frequency.best_band(heard(0.2, 0.6, 0.5))
    assert (best, following) == (1, 2) and lead.value == pytest.approx(0.1) and lead.low > 0
    assert 0 < least < 0.1
    _, _, lead, least = frequency.best_band(heard(0.2, 0.6, 0.59))
    assert lead.low < 0 < lead.high and least > lead.value
    best, following, lead, _ = frequency.best_band(heard(0.5))
    assert (best, following) == (0, None) and np.isnan(lead.value)
