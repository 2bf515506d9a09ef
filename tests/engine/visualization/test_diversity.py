"""Beginning with an image, pictures that differ, importance maps: each against an answer that is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.visualization.diversity import different, held_apart, likeness
from engine.visualization.goals import Unit, measured, units_of
from engine.visualization.objectives import goal
from engine.visualization.optimization import optimize
from engine.visualization.optimization.optimize import Run
from engine.visualization.optimization.parameterization import Fourier, Maco, parameterize
from engine.visualization.recipes import FAST, PAPER
from engine.visualization.scoring.importance import importance_maps
from tests.engine.small import draws, small_vit

SITE = "blocks.1.mlp.hidden"

pytestmark = pytest.mark.usefixtures("float32")


def photo(size: tuple[int, int] = (32, 32)) -> torch.Tensor:
    down, right = torch.meshgrid(torch.linspace(0, 1, size[0]), torch.linspace(0, 1, size[1]), indexing="ij")
    return torch.stack([down, right, (down - right).abs()]) * 0.8 + 0.1


@pytest.mark.parametrize("name", ["pixels", "fourier"])
@pytest.mark.parametrize("size", [(32, 32), (24, 41)])
def test_pictures_begin_as_the_image(name, size):
    pictures = parameterize(name, draws(1, 2), size)
    pictures.begin(photo(size))
    assert (pictures.images() - photo(size)).abs().max() < 1e-3
    assert pictures.leaf.requires_grad


def test_black_and_white_begin_as_nearly_black_and_white():
    waves = Fourier(draws(1), (16, 16))
    image = (torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    waves.begin(image)
    assert (waves.images()[0] - image).abs().max().item() == pytest.approx(0.02, abs=1e-3)


def test_with_fixed_sizes_of_waves_the_image_gives_its_phases():
    """The structure is the image's: the picture correlates with it, and far less with another."""
    waves = Maco(draws(1), (32, 32))
    waves.begin(photo())
    seen = waves.images()[0].detach().flatten()
    alike = np.corrcoef(seen, photo().flatten())[0, 1]
    upside_down = np.corrcoef(seen, photo().flip(1, 2).flatten())[0, 1]
    assert alike > 0.6 > 0.3 > upside_down


def test_a_picture_that_begins_with_an_image_stays_near_it_at_first():
    model, start = small_vit(), (photo().permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    recipe = PAPER.model_copy(update={"steps": 2, "rate": 0.01})
    begun = optimize.maximize(model, SITE, [Unit(3)], recipe, 0, Run(start=start)).images[0]
    noise = optimize.maximize(model, SITE, [Unit(3)], recipe, seed=0).images[0]
    assert np.abs(begun - photo().numpy()).mean() < 0.03 < 0.2 < np.abs(noise - photo().numpy()).mean()


def test_likeness_is_the_correlation_without_oneself():
    one = torch.tensor([1.0, 2.0, 3.0, 4.0])
    found = likeness(torch.stack([one, 2 * one + 5, -one]))
    assert found.tolist() == [pytest.approx([0, 1, -1], abs=1e-5), pytest.approx([1, 0, -1], abs=1e-5),
                              pytest.approx([-1, -1, 0], abs=1e-5)]  # fmt: skip


def test_a_copy_of_the_same_picture_loses_a_share_and_the_activation_is_the_units():
    model = small_vit()
    image = photo()[None]
    activation = measured(model, SITE, image, [Unit(3)])
    twice = held_apart(model, SITE, Unit(3), image.expand(2, -1, -1, -1), 2)
    assert twice.tolist() == pytest.approx([float(activation - activation.abs())] * 2, abs=1e-4)


def test_pictures_of_a_group_differ_more_than_when_nothing_holds_them_apart_and_come_again_byte_by_byte(monkeypatch):
    model, recipe = small_vit(), FAST.model_copy(update={"steps": 30})
    units = (3, 8, 21, 40)
    groups, again = ([different(model, SITE, Unit(unit), 2, recipe, seed=0).images for unit in units] for _ in range(2))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(groups, again, strict=True))
    assert groups[0].shape == (2, 3, 32, 32)

    def alike(images: np.ndarray) -> float:
        from engine.visualization.diversity import likeness_of

        return float(likeness_of(model, SITE, images).mean())

    monkeypatch.setattr("engine.visualization.diversity.STRENGTH", 0.0)
    free = [different(model, SITE, Unit(unit), 2, recipe, seed=0).images for unit in units]
    assert np.mean([alike(group) for group in groups]) < np.mean([alike(group) for group in free]) - 0.1


def test_the_gradient_of_one_position_of_the_patches_lies_in_its_patch():
    """`tokens.embed` sees one patch of 8 x 8 pixels: row 2, column 1 is pixels 16-23 by 8-15."""
    model, site = small_vit(), "tokens.embed"
    picture = photo()[None].numpy()
    (inside,) = importance_maps(model, site, [goal(model, site, "5@2x1")], picture)
    patch = np.zeros((32, 32), bool)
    patch[16:24, 8:16] = True
    assert inside.max() == pytest.approx(1)
    assert (inside[patch] > 0).all() and (inside[~patch] == 0).all()


def test_units_have_maps_that_do_not_depend_on_each_other():
    model, pictures = small_vit(), np.stack([photo().numpy(), 1 - photo().numpy()])
    both = importance_maps(model, SITE, units_of((3, 8)), pictures)
    assert both[1].tobytes() == importance_maps(model, SITE, units_of((8,)), pictures[1:])[0].tobytes()
