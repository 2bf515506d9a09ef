"""Gradients as spectra: a known filter's gradient stands at its own frequency."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.reliance.gradient_spectrum import (
    HIGH,
    MIDDLES,
    RINGS,
    GradientSpectrumRequest,
    apart_in_last,
    even_shares,
    in_last,
    layers,
)
from tests.engine.contexts import Notebook
from tests.engine.small import wrapped
from tests.engine.world import SIDE


class Waver(nn.Module):
    """One stage of one block: channel 0 hears a wave of a quarter of Nyquist, channel 1 one of three quarters."""

    def __init__(self) -> None:
        super().__init__()
        self.frequency = (0.25, 0.75)


def test_a_filters_gradient_stands_at_its_own_frequency(monkeypatch):
    """`_layer` differentiates a hand-made site; its rings must hold the filter's energy."""
    from engine.reliance import gradient_spectrum

    loaded = wrapped("waver", Waver(), (SIDE, SIDE))
    columns = torch.arange(SIDE)

    def read_unit(module: nn.Module, site: str, images: Tensor, units: Tensor) -> Tensor:
        frequency = torch.tensor(module.frequency)[units]
        waves = torch.cos(math.pi * frequency[:, None] * columns)
        return (images.mean(1) * waves[:, None]).sum(2)  # (batch, position): one a row

    class Fake:
        name = "made"

        class grid:
            prefix = 0

    monkeypatch.setattr(gradient_spectrum, "read_unit", read_unit)
    shares = gradient_spectrum._layer(loaded, Fake(), torch.rand(4, 3, SIDE, SIDE), np.array([0, 1, 0, 1]), 3)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    frequencies = (shares * (np.arange(20) + 0.5) / 20).sum(1)
    assert frequencies[0] == pytest.approx(frequencies[2]) and frequencies[1] == pytest.approx(frequencies[3])
    assert 0.2 < frequencies[0] < 0.6 < frequencies[1]


def test_a_real_model_gives_a_spectrum_for_every_layer():
    result = build(GradientSpectrumRequest, model="starter-cnn", images=4).run(Notebook())
    layers_found = result.tables["layers"]
    assert layers_found.site.tolist()[0] == "stages.0.blocks.0" and len(layers_found) == 8
    by_site = result.tables["rings"].groupby("site").share.sum()
    np.testing.assert_allclose(by_site, 1, rtol=1e-4)
    assert even_shares((96, 96)).sum() == pytest.approx(1)
    assert even_shares((96, 96))[9] == pytest.approx(math.pi * (0.5**2 - 0.45**2) / 4, rel=0.1)


def test_a_role_that_the_model_lacks_is_refused():
    from engine.models import catalog

    with pytest.raises(BadRequest, match="no sites of the role"):
        layers(catalog.load("starter-cnn"), "attn.query")


def planted(images: np.ndarray, high: np.ndarray) -> Result:
    """Two layers; in the last, this share of each image's gradient lies at the highest frequencies, the rest at the lowest."""
    shares = np.zeros((2, len(images), RINGS), np.float32)
    shares[0, :, 0] = 1
    shares[1, :, 0], shares[1, :, -1] = 1 - high, high
    return Result({}, {"images": images, "shares": shares}, {"layers": pd.DataFrame({"depth": [0, 1]})})


def test_last_layers_are_held_against_each_other_image_by_image():
    """Images differ much more than models do: on the same ones a difference of 0.02 is seen all the same."""
    images, draws = np.arange(60), np.random.default_rng(0)
    luck = draws.uniform(0.2, 0.6, 60)
    one, other = planted(images, luck + 0.02), planted(images[::-1][:50], (luck + draws.normal(0, 0.01, 60))[::-1][:50])
    assert in_last(one, HIGH).value == pytest.approx(luck.mean() + 0.02, abs=1e-6)
    found, least = apart_in_last(one, other, HIGH) or (None, 0)
    assert found is not None and found.low > 0.01 and found.value == pytest.approx(0.02, abs=0.005) and least < 0.01
    found, _ = apart_in_last(one, other, MIDDLES) or (None, 0)
    assert found is not None and found.value == pytest.approx(0.02 * (MIDDLES[-1] - MIDDLES[0]), abs=0.005)
    assert apart_in_last(one, planted(images + 100, luck), HIGH) is None
