"""The sites of a plain vision transformer (one resolution from end to end), found by structure.

A block is whatever stands in `blocks`; its attention is `attn`, its feed-forward part `mlp`.
"""

from __future__ import annotations

from collections.abc import Iterator

from timm.layers.mlp import Mlp
from torch import nn

from engine.reading import Rows, Tap


def child(module: nn.Module, name: str) -> nn.Module | None:
    """The submodule of that name, or None."""
    found = getattr(module, name, None)
    return found if isinstance(found, nn.Module) else None


def is_vit(module: nn.Module) -> bool:
    """Patches are embedded once, then pass through a row of blocks with attention."""
    blocks = [*(child(module, "blocks") or nn.Sequential()).children()]
    return child(module, "patch_embed") is not None and bool(blocks) and all(child(block, "attn") for block in blocks)


def vit_taps(module: nn.Module) -> Iterator[Tap]:
    """The taps of every site but the logits, from the image to the head."""
    blocks = [*module.get_submodule("blocks").children()]
    yield Tap("tokens.embed", "tokens.embed", "tokens", blocks[0], "input")
    for index, block in enumerate(blocks):
        name = f"blocks.{index}"
        if attn := child(block, "attn"):
            yield from _projections(name, attn)
            yield Tap(f"{name}.attn.out", "attn.out", name, attn)
        if mlp := child(block, "mlp"):
            yield from mlp_hidden(name, mlp)
            yield Tap(f"{name}.mlp.out", "mlp.out", name, mlp)
        yield Tap(f"{name}.residual", "residual", name, block)


def mlp_hidden(name: str, mlp: nn.Module) -> Iterator[Tap]:
    """What enters the last linear layer of a feed-forward part: after its activation, gate and norm."""
    layers = [layer for layer in mlp.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    if layers:
        flat = isinstance(layers[-1], nn.Linear)
        yield Tap(f"{name}.mlp.hidden", "mlp.hidden", name, layers[-1], "input", flat, rows=_plain_rows(mlp))


def _plain_rows(mlp: nn.Module) -> Rows | None:
    """Rows of `fc1` where the hidden features are just act(fc1(x)): no gate, no norm, nothing learned in `act`."""
    if not isinstance(mlp, Mlp) or type(mlp).forward is not Mlp.forward or not isinstance(mlp.norm, nn.Identity):
        return None
    learned = any(True for _ in mlp.act.parameters())
    return None if learned else Rows(mlp.fc1, 0, mlp.fc1.weight.shape[0], mlp.act)


def _projections(name: str, attn: nn.Module) -> Iterator[Tap]:
    """Query, key and value before they are split into heads: heads stand one after the other."""
    fused = child(attn, "qkv")
    # A bias kept beside the projection is added after it (BEiT, EVA): the module's output is not yet the query.
    separate_bias = getattr(attn, "q_bias", None) is not None
    for third, part in enumerate(("query", "key", "value")):
        site, role = f"{name}.attn.{part}", f"attn.{part}"
        alone = child(attn, f"{part[0]}_proj")
        if isinstance(fused, nn.Linear) and not separate_bias and fused.out_features % 3 == 0:
            width = fused.out_features // 3
            yield Tap(site, role, name, fused, third=third, rows=Rows(fused, third * width, width))
        elif isinstance(alone, nn.Linear):
            yield Tap(site, role, name, alone, rows=Rows(alone, 0, alone.out_features))
