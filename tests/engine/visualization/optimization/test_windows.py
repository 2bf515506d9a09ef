"""Windows onto pictures: in place, at the right scale, grey outside, each copy by its own random numbers."""

from __future__ import annotations

import pytest
import torch

from engine.visualization.optimization.windows import cut as windows_cut
from engine.visualization.optimization.windows import resampling, windows_of
from engine.visualization.optimization.windows import turned as all_turned
from engine.visualization.recipes import View
from tests.engine.small import draws


def cut(image: torch.Tensor, down: float, right: float, side: float, size: tuple[int, int]) -> torch.Tensor:
    """One window of one image."""
    return windows_cut(image[None, None], *(torch.tensor([[value]]) for value in (down, right, side)), size)[0, 0]


def turned(image: torch.Tensor, degrees: float) -> torch.Tensor:
    return all_turned(image[None, None], torch.tensor([[float(degrees)]]))[0, 0]


def marked(row: int, column: int, side: int = 32) -> torch.Tensor:
    image = torch.zeros(3, side, side)
    image[:, row, column] = 1
    return image


def test_the_whole_window_is_the_picture():
    image = torch.rand(3, 12, 20, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(cut(image, 0.5, 0.5, 1.0, (12, 20)), image, atol=1e-5)


def test_a_window_shows_its_part_of_the_picture_in_place():
    """The upper right quarter of 32 x 32 in 16 x 16: a mark at (3, 20) is at (3, 4)."""
    seen = cut(marked(3, 20), 0.25, 0.75, 0.5, (16, 16))
    assert seen[0].argmax() == 3 * 16 + 4 and seen[0, 3, 4] == pytest.approx(1, abs=1e-5)


def test_outside_the_picture_is_grey():
    seen = cut(torch.ones(3, 16, 16), 0.0, 0.5, 1.0, (16, 16))
    assert torch.allclose(seen[:, :7], torch.full((3, 7, 16), 0.5), atol=1e-5)
    assert torch.allclose(seen[:, 9:], torch.ones(3, 7, 16), atol=1e-5)


def test_shrinking_averages_and_enlarging_interpolates():
    assert torch.allclose(resampling(32, 8, torch.tensor(0.0), torch.tensor(32.0)).sum(1)[1:-1], torch.ones(6))
    image = torch.full((3, 32, 32), 0.8)
    image[:, ::2] = 0.2
    assert cut(image, 0.5, 0.5, 1.0, (8, 8))[:, 2:-2, 2:-2].sub(0.5).abs().max() < 0.05
    ramp = torch.linspace(0, 1, 8).expand(3, 8, 8)
    assert torch.allclose(cut(ramp, 0.5, 0.5, 1.0, (8, 16))[:, 4, 4:12].diff(), torch.full((3, 7), 1 / 14), atol=1e-4)


def test_a_turn_turns_around_the_middle_counter_clockwise():
    """A blob right of the middle goes up."""
    image = torch.full((3, 33, 33), 0.5)
    image[:, 15:18, 25:28] = 1.0
    seen = turned(image, 30)[0] - 0.5
    rows, columns = torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")
    mass = seen.sum()
    down, right = ((seen * rows).sum() / mass).item() - 16, ((seen * columns).sum() / mass).item() - 16
    assert (down, right) == (pytest.approx(-5, abs=0.3), pytest.approx(8.66, abs=0.3))  # 10 pixels at 30 degrees


def test_turning_back_gives_the_picture_back():
    image = torch.full((3, 32, 32), 0.5)
    image[:, 10:20, 12:18] = 0.9
    assert (turned(turned(image, 10), -10) - image).abs().max() < 0.15


VIEW = View(side=(0.5, 0.1), side_spread=0.05, centre_spread=0.1, shift=0.05, zoom=0.1, turn=5, noise=0.1)


def test_copies_have_their_own_random_numbers():
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    both = windows_of(images, VIEW, 3, (16, 16), 0.5, draws(1, 2), 0)
    alone = windows_of(images[1:], VIEW, 3, (16, 16), 0.5, draws(2), 0)
    assert both.shape == (2, 3, 3, 16, 16)
    assert torch.equal(both[1], alone[0]) and not torch.equal(both[1, 0], both[1, 1])


def test_windows_shrink_from_the_first_step_to_the_last():
    """The spread of a ramp across a window is its side."""
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    view = View(side=(0.5, 0.1))
    spans = [
        windows_of(ramp, view, 1, (16, 16), done, draws(1), 0)[0, 0, 0, 8, [0, -1]].diff().item()
        for done in (0.0, 0.5, 1.0)
    ]
    assert spans == pytest.approx([0.5 * 15 / 16, 0.3 * 15 / 16, 0.1 * 15 / 16], rel=0.05)


@pytest.mark.parametrize(
    ("length", "out", "start", "extent"), [(96, 96, -3.3, 110.0), (96, 32, 10.2, 80.0), (50, 96, -30.0, 200.0)]
)
def test_weights_are_those_of_a_sum_over_pixels_that_goes_on_beyond_the_edges(length, out, start, extent):
    """The closed form of the triangle's sum against the sum itself."""
    step = extent / out
    wide, reach = max(1.0, step), 400
    places = start + (torch.arange(out, dtype=torch.float64) + 0.5) * step
    pixels = torch.arange(-reach, length + reach, dtype=torch.float64) + 0.5
    weights = (1 - (pixels[None] - places[:, None]).abs() / wide).clamp(min=0)
    expected = (weights / weights.sum(1, keepdim=True))[:, reach : reach + length]
    found = resampling(length, out, torch.tensor(start, dtype=torch.float64), torch.tensor(extent, dtype=torch.float64))
    assert torch.allclose(found.double(), expected, atol=1e-7)
