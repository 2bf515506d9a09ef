"""The last block for the class token alone: all that a model needs to answer where nothing else of it is read.

Of a vision transformer that answers from its class token, the last block's patches are thrown away. Leaving them out
changes no number beyond rounding and saves most of a block: a tenth of a network of eight.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from open_clip.transformer import VisionTransformer as OpenClipTransformer
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from engine.sites.attention_kernel import WrittenAttention
from engine.sites.hooks import HookPoint, run

_LOOKING = threading.Lock()
_FOUND: WeakKeyDictionary[nn.Module, dict[tuple, LastBlock | None]] = WeakKeyDictionary()


@dataclass(frozen=True)
class LastBlock:
    """The last block, how many tokens the answer is read from, and what makes the answer of them.

    `finish` is given the module and does not hold it: what is remembered of a module must not keep it alive.
    """

    block: nn.Module
    prefix: int
    finish: Callable[[Any, Tensor], Tensor]

    @property
    def before(self) -> HookPoint:
        """Where the tokens that enter it are found."""
        return HookPoint("last block", "", "", self.block, "input")

    def answer(self, module: nn.Module, tokens: Tensor) -> Tensor:
        """What the model answers, from the tokens (B, position, D) that enter its last block."""
        return self.finish(module, first_tokens(self.block, tokens, self.prefix))


def answer(module: nn.Module, images: Tensor) -> Tensor:
    """What `module(images)` gives, for normalised images (B, 3, H, W)."""
    last = last_block(module, images.shape[-2:])
    if last is None:
        return module(images)
    return last.answer(module, run(module, [last.before], images)[last.before.site])


def last_block(module: nn.Module, size: Sequence[int]) -> LastBlock | None:
    """The end of a model that answers from its prefix tokens alone, checked against the model on an image of noise of
    (height, width) pixels; None for any other model. Worked out at the first call."""
    weight = next(module.parameters(), None)
    if weight is None:
        return None
    key = (*size, weight.dtype, weight.device)
    with _LOOKING:
        known = _FOUND.setdefault(module, {})
        if key not in known:
            known[key] = _checked(module, size, weight)
        return known[key]


def _checked(module: nn.Module, size: Sequence[int], weight: Tensor) -> LastBlock | None:
    found = _of_timm(module) or _of_open_clip(module)
    if found is None or not is_plain(found.block):
        return None
    noise = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).to(weight) * 2 - 1
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(weight.device.type, enabled=False):
        whole = module(noise)
        short = found.answer(module, run(module, [found.before], noise)[found.before.site])
    most = math.sqrt(torch.finfo(weight.dtype).eps) * whole.abs().max()  # far above rounding, far below a mistake
    return found if short.shape == whole.shape and bool((short - whole).abs().max() <= most) else None


def _of_timm(module: nn.Module) -> LastBlock | None:
    if not isinstance(module, VisionTransformer) or module.global_pool != "token" or module.attn_pool is not None:
        return None

    def finish(module: Any, tokens: Tensor) -> Tensor:
        return module.forward_head(module.norm(tokens))

    return LastBlock(module.blocks[-1], module.num_prefix_tokens, finish)


def _of_open_clip(module: nn.Module) -> LastBlock | None:
    tower = getattr(module, "visual", None)
    if not isinstance(tower, OpenClipTransformer) or tower.pool_type != "tok" or tower.attn_pool is not None:
        return None
    if tower.output_tokens:  # answers with the patches too
        return None

    def finish(module: Any, tokens: Tensor) -> Tensor:
        pooled = module.visual._pool(tokens)[0]
        return pooled if module.visual.proj is None else pooled @ module.visual.proj

    return LastBlock(tower.transformer.resblocks[-1], 1, finish)


def is_plain(block: nn.Module) -> bool:
    """Whether it is timm's plain block with plain attention, of which `first_tokens` can leave work out."""
    part: Any = block
    if type(block) is not Block or type(part.attn) not in (Attention, WrittenAttention):
        return False
    return isinstance(part.attn.qkv, nn.Linear) and getattr(part.attn, "gate", None) is None


def first_tokens(block: nn.Module, tokens: Tensor, count: int) -> Tensor:
    """What a block makes of its first `count` tokens, which look at all of them: (B, count, D).

    A plain block saves the work on the others; any other block does it and drops it.
    """
    if not is_plain(block) or count >= tokens.shape[1]:
        return block(tokens)[:, :count]
    part: Any = block
    attn = part.attn
    seen, width = part.norm1(tokens), attn.qkv.out_features // 3
    bias = attn.qkv.bias
    query = nn.functional.linear(seen[:, :count], attn.qkv.weight[:width], None if bias is None else bias[:width])
    both = nn.functional.linear(seen, attn.qkv.weight[width:], None if bias is None else bias[width:])
    heads = [each.unflatten(2, (attn.num_heads, -1)).transpose(1, 2) for each in (query, *both.chunk(2, dim=2))]
    query, key, value = attn.q_norm(heads[0]), attn.k_norm(heads[1]), heads[2]
    mixed = nn.functional.scaled_dot_product_attention(query.to(value), key.to(value), value, scale=attn.scale)
    added = tokens[:, :count] + part.ls1(attn.proj(attn.norm(mixed.transpose(1, 2).flatten(2))))
    return added + part.ls2(part.mlp(part.norm2(added)))
