"""Gradients as spectra: a known filter's gradient stands at its own frequency."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.request import build
from engine.reliance.gradient_spectrum import GradientSpectrumRequest, even_shares, layers
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
