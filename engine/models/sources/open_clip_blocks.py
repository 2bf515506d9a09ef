"""open_clip's transformer blocks rebuilt as timm's: the same weights, the same numbers, one kind of block to know.

open_clip's attention is torch's, which turns the tokens round twice in each block and leaves them lying across memory,
so that every product after it takes half as long again. As a timm block it is read, differentiated and cut short by the
same code as any other vision transformer's.
"""

from __future__ import annotations

from typing import Any

from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import nn


def rebuild(tower: nn.Module) -> None:
    """Puts a timm block in the place of every block of an open_clip image tower that is one in all but its names.

    Towers of another kind (timm's own, ResNets) are left alone, and so is the pooling by attention.
    """
    if not isinstance(tower, VisionTransformer) or not tower.transformer.batch_first:
        return
    blocks: Any = tower.transformer.resblocks
    for place, block in enumerate(blocks):
        if type(block) is ResidualAttentionBlock and _is_plain(block):
            blocks[place] = _rebuilt(block)


def _is_plain(block: ResidualAttentionBlock) -> bool:
    """Whether it is pre-norm self-attention with one projection for query, key and value, and nothing added to them."""
    attention = block.attn
    alone = attention.bias_k is None and attention.bias_v is None and not attention.add_zero_attn
    fused = attention.in_proj_weight is not None and attention.dropout == 0 and attention.batch_first
    return type(attention) is nn.MultiheadAttention and alone and fused and not hasattr(block, "ln_1_kv")


def _rebuilt(block: ResidualAttentionBlock) -> Block:
    given: Any = block.attn
    made: Any = Block(given.embed_dim, given.num_heads, qkv_bias=given.in_proj_bias is not None, device="meta")
    made.norm1, made.ls1, made.norm2, made.mlp, made.ls2 = block.ln_1, block.ls_1, block.ln_2, block.mlp, block.ls_2
    attention: Attention = made.attn
    attention.qkv.weight, attention.qkv.bias = given.in_proj_weight, given.in_proj_bias
    attention.proj.weight, attention.proj.bias = given.out_proj.weight, given.out_proj.bias
    return made.train(block.training)
