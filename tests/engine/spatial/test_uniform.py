"""Uniform attention: what an attention gives when its weights are all alike, for every architecture, or a refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from engine.spatial.attention import attentions
from engine.spatial.blocks import UnsupportedArchitecture
from engine.spatial.uniform import Averaging, averagings, uniform
from tests.engine.architectures import TRANSFORMERS, built
from tests.engine.spatial.known import vit

REFUSED = {"XCiT": {"XCA"}, "CoaT": {"FactorAttnConvRelPosEnc"}}
"""Attention between channels, and one that multiplies queries with what it has averaged."""
TALKING = "TalkingHeadAttn"  # its weights are mixed over heads after the softmax


class EqualWeights(TorchFunctionMode):
    """Inside, the softmax of attention gives equal weights to all that is not masked, in these heads (None: all)."""

    def __init__(self, masked: bool, heads: Sequence[int] | None = None) -> None:
        super().__init__()
        self.masked, self.heads = masked, heads

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (Tensor.softmax, functional.softmax):
            return self._equal(args[0])
        if func is functional.scaled_dot_product_attention:
            query, key, value = args
            logits = query @ key.transpose(-2, -1) * kwargs.get("scale", query.shape[-1] ** -0.5)
            bias = kwargs.get("attn_mask")
            return self._equal(logits if bias is None else logits + bias) @ value
        return func(*args, **kwargs)

    def _equal(self, logits: Tensor) -> Tensor:
        seen = (logits > -50).to(logits) if self.masked else torch.ones_like(logits)  # Swin's masks are -100
        equal, weights = seen / seen.sum(dim=-1, keepdim=True), logits.softmax(dim=-1)
        if self.heads is None:
            return equal
        weights[..., self.heads, :, :] = equal[..., self.heads, :, :]
        return weights


def calls(family: str) -> dict[nn.Module, tuple[tuple, dict]]:
    """What each attention of the family's small model is called with for two images."""
    module, size = built(family)
    seen: dict[nn.Module, tuple[tuple, dict]] = {}
    handles = [
        part.register_forward_pre_hook(lambda part, args, kwargs: seen.update({part: (args, kwargs)}), with_kwargs=True)
        for part in attentions(module)
    ]
    module(torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1)))
    for handle in handles:
        handle.remove()
    return seen


def close(one: Tensor, other: Tensor) -> bool:
    return float((one - other).abs().max()) < 2e-6 * float(other.abs().max())


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_uniform_is_what_the_attention_gives_when_its_weights_are_equal(family: str) -> None:
    module, size = built(family)
    parts = attentions(module)
    known = averagings(module, parts, torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)))
    refused = {type(part).__name__ for part in parts if not isinstance(known[part], Averaging)}
    assert refused == REFUSED.get(family, set())
    for part, (args, kwargs) in calls(family).items():
        if not isinstance(averaging := known[part], Averaging):
            continue
        masked, natural = kwargs.get("mask") is not None, part(*args, **kwargs)
        heads = [] if type(part).__name__ == TALKING else [[part.num_heads - 1]]
        for chosen in (None, *heads):
            with EqualWeights(masked, chosen):
                expected = part(*args, **kwargs)
            with uniform(averaging, chosen):
                given = part(*args, **kwargs)
            assert close(given, expected) and not close(natural, expected), type(part).__name__
        assert torch.equal(part(*args, **kwargs), natural)


def test_swin_is_seen_with_and_without_masks_and_twins_with_windows_and_reduced_positions() -> None:
    assert {kwargs["mask"] is None for _, kwargs in calls("Swin").values()} == {True, False}
    module, size = built("Twins SVT")
    known = averagings(module, attentions(module), torch.rand(1, 3, *size))
    assert {each.dims for each in known.values() if isinstance(each, Averaging)} == {1, 2}


def test_it_is_the_mean_of_the_values_head_by_head() -> None:
    module: Any = vit().module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    averaging = Averaging.of(part, tokens)
    value = part.qkv(tokens)[..., 64:].unflatten(2, (2, 16))
    with uniform(averaging):
        everywhere = part(tokens)
    torch.testing.assert_close(everywhere, part.proj(value.mean(1, keepdim=True).expand_as(value).flatten(2)))
    with uniform(averaging, [1]):
        one = part(tokens)
    query, key = (each.unflatten(2, (2, 16)).transpose(1, 2) for each in part.qkv(tokens).chunk(3, dim=2)[:2])
    weights = (query @ key.transpose(2, 3) / 4).softmax(dim=3)
    weights[:, 1] = 1 / 17
    expected = part.proj((weights @ value.transpose(1, 2)).transpose(1, 2).flatten(2))
    torch.testing.assert_close(one, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(part(tokens), vit().module.blocks[1].attn(tokens))  # type: ignore[index]


@pytest.mark.parametrize("batch_first", [True, False])
def test_torchs_own_attention_is_made_uniform_though_it_calls_no_layer(batch_first: bool) -> None:
    torch.manual_seed(0)
    part = nn.MultiheadAttention(16, 2, batch_first=batch_first).eval().requires_grad_(False)
    tokens = torch.randn(3, 5, 16)
    positions = 1 if batch_first else 0
    averaging = Averaging.of(part, tokens, tokens, tokens)
    value = functional.linear(tokens, part.in_proj_weight[32:], part.in_proj_bias[32:])
    mean = value.mean(positions, keepdim=True).expand_as(value)
    with uniform(averaging):
        everywhere = part(tokens, tokens, tokens, need_weights=False)[0]
    torch.testing.assert_close(everywhere, part.out_proj(mean))
    with uniform(averaging, [1]):
        one = part(tokens, tokens, tokens)[0]
    change = one - part(tokens, tokens, tokens)[0]
    # What leaves the heads is projected once more: only the second head's share has changed.
    second = torch.linalg.lstsq(part.out_proj.weight, change.flatten(0, 1).T).solution.T.unflatten(0, change.shape[:2])
    assert second[..., :8].abs().max() < 1e-4 < 1e-2 < second[..., 8:].abs().max()
    with uniform(averaging, [0]):
        other = part(tokens, tokens, tokens)[0]
    torch.testing.assert_close(other + change, everywhere)


def test_another_thread_sees_the_attention_as_it_is() -> None:
    module: Any = vit().module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    natural, seen = part(tokens), []
    with uniform(Averaging.of(part, tokens)):
        other = threading.Thread(target=lambda: seen.append(part(tokens)))
        other.start()
        other.join()
        assert not torch.allclose(part(tokens), natural, atol=1e-3)
    assert torch.equal(seen[0], natural)


class Heads(nn.Module):
    """Attention with a form of its own, made of parts that a test chooses."""

    def __init__(self, mix: Callable[..., Tensor], heads: int = 2, shared: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.num_heads, self.num_kv_heads, self.mix = heads, shared, mix
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(8, 4 * count) for count in (heads, shared, shared))

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        projections = (
            layer(tokens).unflatten(-1, (-1, 4)).transpose(1, 2) for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.mix(*projections, mask).transpose(1, 2).flatten(2)


def plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    mask = None if mask is None else mask.unsqueeze(1).repeat(len(query) // len(mask), 1, 1, 1)
    return functional.scaled_dot_product_attention(query, key, value, mask, enable_gqa=True)


TOKENS = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
HALVES = torch.full((6, 6), -100.0)
HALVES[:3, :3] = HALVES[3:, 3:] = 0


def test_positions_that_a_mask_divides_attend_to_their_own_group() -> None:
    part = Heads(plain).requires_grad_(False)
    with uniform(Averaging.of(part, TOKENS, HALVES[None])):
        given = part(TOKENS, HALVES[None])
    halves = part.v_proj(TOKENS).unflatten(1, (2, 3)).mean(2, keepdim=True).expand(-1, -1, 3, -1).flatten(1, 2)
    torch.testing.assert_close(given, halves)


@pytest.mark.parametrize(
    "mask",
    [
        torch.full((6, 6), -100.0).triu(1),  # earlier positions only
        torch.full((6, 6), -100.0).triu(2)
        + torch.full((6, 6), -100.0).tril(-2),  # neighbours, who see others than each other
        HALVES < -1,  # whether True is what is seen differs from network to network
        torch.randn(6, 6, generator=torch.Generator().manual_seed(0)),  # a bias
    ],
)
def test_a_mask_without_groups_is_refused(mask: Tensor) -> None:
    with pytest.raises(UnsupportedArchitecture, match="The mask does not divide positions into groups"):
        Averaging.of(Heads(plain), TOKENS, mask[None])


def test_a_mask_of_earlier_positions_given_by_its_name_is_refused() -> None:
    part: Any = vit().module.blocks[0].attn  # type: ignore[index]
    with pytest.raises(UnsupportedArchitecture, match="The mask does not divide"):
        Averaging.of(part, torch.randn(1, 17, 32), is_causal=True)


@pytest.mark.parametrize(
    "mix",
    [
        lambda query, key, value, mask: query + plain(query, key, value, mask),
        lambda query, key, value, mask: plain(value, key, query, mask),  # values that are no values
    ],
)
def test_what_depends_on_queries_where_values_are_equal_is_refused(mix: Callable[..., Tensor]) -> None:
    with pytest.raises(UnsupportedArchitecture, match="the output depends on queries and keys"):
        Averaging.of(Heads(mix).requires_grad_(False), TOKENS)


def test_values_that_are_never_projected_are_refused() -> None:
    part = Heads(plain)
    part.forward = lambda tokens: tokens  # type: ignore[method-assign,assignment]
    with pytest.raises(UnsupportedArchitecture, match="The values cannot be found"):
        Averaging.of(part, TOKENS)


def test_heads_that_share_values_can_be_made_uniform_together_but_not_alone() -> None:
    part = Heads(plain, heads=4, shared=2).requires_grad_(False)
    averaging = Averaging.of(part, TOKENS)
    with uniform(averaging):
        given = part(TOKENS)
    mean = part.v_proj(TOKENS).mean(1, keepdim=True).unflatten(2, (2, 4)).repeat_interleave(2, 2).flatten(2)
    torch.testing.assert_close(given, mean.expand_as(given))
    with pytest.raises(UnsupportedArchitecture, match="heads share their values"), uniform(averaging, [1]):
        part(TOKENS)


def test_an_attention_that_the_pass_does_not_reach_is_not_known() -> None:
    module: Any = vit().module
    module.unused = Heads(plain)
    known = averagings(module, attentions(module), torch.zeros(1, 3, 32, 32))
    assert len(known) == 3 and module.unused not in known
