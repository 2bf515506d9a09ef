"""Feed-forward parts (an MLP at each position), found by structure, and the hidden features inside them."""

from __future__ import annotations

from collections.abc import Iterator

from timm.layers.mlp import Mlp
from torch import nn

from engine.sites.hooks import HookPoint, Rows


def is_linear(layer: nn.Module) -> bool:
    """A product with a matrix at each position."""
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1))


def is_mlp(part: nn.Module) -> bool:
    """Linear layers side by side, the last of which leads back from something at least as wide to the width that the
    first starts from. A bottleneck of convolutions is none: it mixes positions."""
    layers = [child for child in part.children() if is_linear(child)]
    if len(layers) < 2:
        return False
    wide, narrow = _widths(layers[-1])
    mixes = isinstance(layers[-1], nn.Conv2d) and any(_mixes_positions(child) for child in part.modules())
    return _widths(layers[0])[0] == narrow and wide >= narrow and not mixes


def channels_last(mlp: nn.Module) -> bool:
    """Whether a feed-forward part works on (..., feature) and not on (batch, feature, height, width)."""
    return isinstance(last_layer(mlp), nn.Linear)


def last_layer(mlp: nn.Module) -> nn.Module | None:
    """The linear layer that leads back to the block's width."""
    layers = [layer for layer in mlp.children() if is_linear(layer)]
    return layers[-1] if layers else None


def mlp_hidden(name: str, mlp: nn.Module, call: int = 0) -> Iterator[HookPoint]:
    """What enters the last linear layer of a feed-forward part: after its activation, gate and norm."""
    if (last := last_layer(mlp)) is not None:
        site, flat, rows = f"{name}.mlp.hidden", channels_last(mlp), _plain_rows(mlp)
        yield HookPoint(site, "mlp.hidden", name, last, "input", flat, call, rows=rows)


def _mixes_positions(part: nn.Module) -> bool:
    return isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)


def _widths(layer: nn.Module) -> tuple[int, int]:
    """(features that enter, features that leave)."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    assert isinstance(layer, nn.Conv2d)
    return layer.in_channels, layer.out_channels


def _plain_rows(mlp: nn.Module) -> Rows | None:
    """Rows of the first layer where the hidden features are just act(layer(x)): no gate, no norm, nothing learned."""
    if isinstance(mlp, Mlp) and type(mlp).forward is Mlp.forward and isinstance(mlp.norm, nn.Identity):
        first, between = mlp.fc1, [mlp.act]
    elif isinstance(mlp, nn.Sequential):
        first, *between, _ = mlp.children()
    else:
        return None
    if not isinstance(first, nn.Linear | nn.Conv2d) or any(True for part in between for _ in part.parameters()):
        return None
    act = between[0] if len(between) == 1 else nn.Sequential(*between)
    return Rows(first, first.weight.flatten(1), first.bias, act)
