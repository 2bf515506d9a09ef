"""Other libraries' feature visualization, each called as its documentation says, at its own default settings.

What each is given is the same: a model that takes images in [0, 1], the layer, and the objective of the paper (mean of
one channel over the image's positions, prefix tokens left out). Install them with `pip install -r requirements-bench.txt`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Target:
    """One unit of one layer of a model, and how its images are prepared."""

    module: nn.Module
    layer: str
    channels_last: bool
    prefix: int
    unit: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def mean_of(self, output: Tensor) -> Tensor:
        """The objective: mean over copies and positions."""
        return output[:, self.prefix :, self.unit].mean() if self.channels_last else output[:, self.unit].mean()

    def whole(self) -> nn.Module:
        """The model with its normalisation in front, gradients for weights on, as a script would have it."""
        return nn.Sequential(_Normalize(self.mean, self.std), self.module).requires_grad_(True)


class _Normalize(nn.Module):
    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


def lucent(target: Target, steps: int, units: Sequence[int] = ()) -> Tensor:
    """torch-lucent's render_vis: Fourier, decorrelated, its standard transforms, Adam at 0.05, 512 steps. The first
    picture; with several `units` it makes one of each in the same batch."""
    from lucent.optvis import objectives, param, render

    name = f"1_{target.layer}".replace(".", "_")
    each = [replace(target, unit=unit) for unit in units or [target.unit]]

    def loss(layers: Callable[[str], Tensor]) -> Tensor:
        output = layers(name)
        return -torch.stack([one.mean_of(output[place : place + 1]) for place, one in enumerate(each)]).sum()

    high, _ = target.size
    (pictures,) = render.render_vis(
        target.whole().eval(),
        objectives.Objective(loss),
        lambda: param.image(high, batch=len(each)),
        thresholds=(steps,),
        preprocess=False,
        progress=False,
        show_image=False,
        fixed_image_size=high,
    )
    return torch.from_numpy(pictures[0]).permute(2, 0, 1)


def horama(target: Target, steps: int, _: Sequence[int] = ()) -> Tensor:
    """Horama's fourier: 1,280 pixels, 1,000 steps of 6 crops, NAdam at 1.0; told the range of the model's input."""
    from horama import fourier

    seen: list[Tensor] = []
    layer = target.module.get_submodule(target.layer)
    hook = layer.register_forward_hook(lambda _, __, output: seen.append(output))

    def objective(images: Tensor) -> Tensor:
        seen.clear()
        target.module(images)
        return target.mean_of(seen[0])

    low = max((0 - mean) / std for mean, std in zip(target.mean, target.std, strict=True))
    high = min((1 - mean) / std for mean, std in zip(target.mean, target.std, strict=True))
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            picture, _ = fourier(
                objective, total_steps=steps, model_input_size=target.size[0], values_range=(low, high), device="cpu"
            )
    finally:
        hook.remove()
    mean, std = torch.tensor(target.mean).view(3, 1, 1), torch.tensor(target.std).view(3, 1, 1)
    return picture.detach() * std + mean


def dreamlens(target: Target, steps: int, _: Sequence[int] = ()) -> Tensor:
    """dreamlens' maximize_channel: Fourier, decorrelated, its own transforms, 120 steps."""
    from dreamlens import FeatureVisualizer, RenderConfig

    whole = target.whole().eval()
    visualizer: Any = FeatureVisualizer(whole, quiet=True, device="cpu", normalize=False)
    config = RenderConfig(width=target.size[1], height=target.size[0], steps=steps)
    result = visualizer.maximize_channel(whole.get_submodule(f"1.{target.layer}"), target.unit, config=config)
    return result.image.as_nchw()[0].detach()


PEERS: dict[str, Callable[[Target, int, Sequence[int]], Tensor]] = {
    "torch-lucent": lucent,
    "horama": horama,
    "dreamlens": dreamlens,
}
STEPS = {"torch-lucent": 512, "horama": 1000, "dreamlens": 120}
"""How many each makes by default."""


def fitted(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(3, H, W) in [0, 1] at the model's size, whatever size a library made."""
    picture = picture.float()[None]
    if picture.shape[-2:] != size:
        picture = functional.interpolate(picture, size, mode="bicubic", align_corners=False, antialias=True)
    return picture[0].clamp(0, 1)
