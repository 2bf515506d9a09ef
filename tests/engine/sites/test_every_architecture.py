"""Every architecture that the paper visualised, and their relatives: the same words, and every position at its place."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.sites.access import discover, read, read_unit
from engine.sites.grid import to_maps
from tests.engine.architectures import ATTENTION, DOCUMENT, FAMILIES, TRANSFORMERS, WINDOWED, built, document


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def noise(size: tuple[int, int], count: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layout_is_what_the_architecture_says(family):
    model, size = built(family)
    *_, block, grid = FAMILIES[family]
    sites = discover(model, size)
    here = {name: site for name, site in sites.items() if site.block == block}
    assert here, f"{block} is not among {[*sites]}"
    assert {site.grid for site in here.values() if site.role not in ("attn.key", "attn.value")} == {grid}
    if family in TRANSFORMERS:
        assert [site.role for site in here.values()] == [*ATTENTION]
    values = read(model, list(sites), noise(size, 2))
    for name, site in sites.items():
        assert values[name].shape == (2, site.grid.positions, site.units), name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_marked_square_shows_up_at_its_own_place_in_every_early_map(family):
    """In the first blocks, where little has been mixed, the strongest change lies in the square that was marked. What
    attention gives out is left aside: with random weights it is the mean of all positions."""
    model, size = built(family)
    sites = {name: site for name, site in discover(model, size).items() if site.role != "head.logits"}
    blocks = [*dict.fromkeys(site.block for site in sites.values())][:3]
    mapped = {name: site for name, site in sites.items() if site.role != "attn.out" and site.grid.height >= 4}
    early = {name: site for name, site in mapped.items() if site.block in blocks}
    assert early
    images = noise(size)
    before = read(model, list(early), images)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        top, left, tall, wide = row * size[0] // 2, column * size[1] // 2, size[0] // 2, size[1] // 2
        marked = images.clone()
        marked[:, :, top + tall // 4 : top + 3 * tall // 4, left + wide // 4 : left + 3 * wide // 4] += 4
        after = read(model, list(early), marked)
        for name, site in early.items():
            change = to_maps(after[name] - before[name], site.grid)[0].square().sum(0)
            quarters = functional.adaptive_avg_pool2d(change[None], 2)[0]
            assert divmod(int(quarters.argmax()), 2) == (row, column), name


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gradient_of_every_site_reaches_the_image(family):
    model, size = built(family)
    sites = discover(model, size)
    images = noise(size).requires_grad_()
    last_block = [site.block for site in sites.values() if site.role != "head.logits"][-1]
    chosen = [name for name, site in sites.items() if site.block in ("tokens", FAMILIES[family][3], last_block, "head")]
    for name, value in read(model, chosen, images).items():
        (gradient,) = torch.autograd.grad(value[0].square().sum(), images, retain_graph=True)
        assert gradient.isfinite().all() and gradient.abs().max() > 0, name


@pytest.mark.parametrize("family", FAMILIES)
def test_stopping_early_and_picking_one_unit_change_nothing(family):
    model, size = built(family)
    sites = discover(model, size)
    images = noise(size, 2)
    everything = read(model, list(sites), images)
    last_block = [site.block for site in sites.values() if site.role != "head.logits"][-1]
    for name in [name for name, site in sites.items() if site.block in (FAMILIES[family][3], last_block)]:
        alone = read(model, [name], images)[name]
        torch.testing.assert_close(alone, everything[name], rtol=1e-5, atol=1e-5, msg=name)
        units = torch.tensor([1, sites[name].units - 1])
        picked = torch.stack([everything[name][0, :, units[0]], everything[name][1, :, units[1]]])
        torch.testing.assert_close(read_unit(model, name, images, units), picked, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize("family", WINDOWED)
def test_inside_windows_a_query_is_the_projection_of_the_token_at_its_own_place(family):
    """The token-wise route: normalise and project every position where it stands, without any window."""
    model, size = built(family)
    norm, sites = WINDOWED[family], discover(model, size)
    for name in [name for name, site in sites.items() if site.role == "attn.query"][:4]:
        path = _module_path(family, name)
        block = model.get_submodule(path)
        entered: list[torch.Tensor] = []
        handle = block.register_forward_pre_hook(lambda _, args, entered=entered: entered.append(args[0]))
        query = read(model, [name], noise(size, 2))[name]
        handle.remove()
        tokens = entered[-1] if norm is None else block.get_submodule(norm)(entered[-1])
        expected = _query(block.attn, tokens).reshape(2, -1, query.shape[-1])
        torch.testing.assert_close(query, expected, rtol=1e-4, atol=1e-5)


def _module_path(family: str, site: str) -> str:
    """The module of a block in timm's words."""
    block = site.removesuffix(".attn.query")
    if family.startswith("Swin"):
        return block.replace("stages.", "layers.")
    return block.replace(".blocks.", ".").replace("stages.", "blocks.") if family.startswith("Twins") else block


def _query(attention: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    if getattr(attention, "q", None) is not None:
        return attention.q(tokens)
    weight, bias = attention.qkv.weight, attention.qkv.bias
    if getattr(attention, "head_first", False):
        width, heads = attention.dim_head, attention.num_heads
        weight = weight.view(heads, 3, width, -1)[:, 0].reshape(heads * width, -1)
        return functional.linear(tokens, weight, bias.view(heads, 3, width)[:, 0].flatten())
    third = weight.shape[0] // 3
    bias = attention.q_bias if getattr(attention, "q_bias", None) is not None else bias[:third]
    return functional.linear(tokens, weight[:third], bias)


def test_the_table_in_the_documentation_is_the_one_that_these_models_give():
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "Run python -m tests.engine.architectures"
