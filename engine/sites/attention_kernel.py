"""timm's self-attention with the gradient written out, for CPUs whose bfloat16 pays."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers.attention import Attention
from torch import Tensor, nn


class WrittenAttention(nn.Module):
    """timm's self-attention with the gradient written out. Keeps timm's names, so that sites are found as before."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.num_heads, self.scale = attention.num_heads, attention.scale
        self.qkv, self.proj = attention.qkv, attention.proj
        self.q_norm = self.k_norm = self.norm = nn.Identity()

    @staticmethod
    def fits(part: Attention) -> bool:
        """Whether it is plain self-attention: timm's own forward, no norm or gate of query, key or output."""
        plain = type(part) is Attention and part.gate is None
        return plain and all(isinstance(norm, nn.Identity) for norm in (part.q_norm, part.k_norm, part.norm))

    def forward(self, tokens: Tensor, attn_mask: None = None, is_causal: bool = False) -> Tensor:
        """(B, N, D) -> (B, N, D)."""
        assert attn_mask is None and not is_causal
        return self.proj(_Attend.apply(self.qkv(tokens), self.num_heads, self.scale))


class _Attend(torch.autograd.Function):
    """Query, key and value side by side (B, N, 3 x heads x width) -> attention's output (B, N, heads x width)."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, heads: int, scale: float) -> Tensor:
        batch, positions, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // (3 * heads)
        split = qkv.view(batch, positions, 3, heads, width).permute(2, 0, 3, 1, 4)
        query, key, value = split.reshape(3, batch * heads, positions, width)
        attention = torch.softmax(torch.bmm(query, key.transpose(1, 2)).mul_(scale), dim=2)
        ctx.save_for_backward(query, key, value, attention)
        ctx.scale = scale
        return torch.bmm(attention, value).view(batch, heads, positions, width).transpose(1, 2).flatten(2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        query, key, value, attention = ctx.saved_tensors
        batch, positions, _ = gradients[0].shape
        width = query.shape[2]
        out = gradients[0].view(batch, positions, -1, width).transpose(1, 2).flatten(0, 1)
        toward = torch.empty(3, *query.shape, dtype=query.dtype)
        torch.bmm(attention.transpose(1, 2), out, out=toward[2])
        scores = torch.bmm(out, value.transpose(1, 2))
        scores = torch._softmax_backward_data(scores, attention, 2, attention.dtype).mul_(ctx.scale)
        torch.bmm(scores, key, out=toward[0])
        torch.bmm(scores.transpose(1, 2), query, out=toward[1])
        split = toward.view(3, batch, -1, positions, width).permute(1, 3, 0, 2, 4)
        return split.flatten(2), None, None
