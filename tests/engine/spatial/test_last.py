"""Heads, isolation and uniform attention: against the plain way, and where the answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

from engine.core.errors import BadRequest
from engine.data.formats.photos import Photos
from engine.data.imagenet import imagenet_ids, imagenet_names
from engine.models.loaded import LoadedModel
from engine.spatial import attention, images
from engine.spatial.blocks import ReadOut, Stack
from engine.spatial.last import evaluations_of, measure, result_of
from engine.spatial.probes import Probes
from tests.engine.small import small_cnn
from tests.engine.spatial.known import CLASSES, NAMES, Squares, averaging_last, over, vit, without_mixing


class Recorded(Probes):
    """Keeps the logits themselves, so that they can be compared."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.logits: dict[str, torch.Tensor] = {}
        add, single = self.answers.add, self.positions.add
        self.answers.add = lambda name, logits, labels: (self.logits.update({name: logits}), add(name, logits, labels))[
            1
        ]
        self.positions.add = lambda logits, labels: (self.logits.update(each=logits), single(logits, labels))[1]


def plain(model: LoadedModel, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The paper's protocol, word by word: one pass for each L, through timm's own functions."""
    module: Any = model.module
    prefix = module.num_prefix_tokens
    tokens = module.norm_pre(module.patch_drop(module._pos_embed(module.patch_embed(images))))
    found = {}

    def through(blocks: Any, values: torch.Tensor) -> torch.Tensor:
        for block in blocks:
            values = block(values)
        return values

    for count in range(len(module.blocks) + 1):
        apart = [through(module.blocks[:count], part) for part in (tokens[:, :prefix], tokens[:, prefix:])]
        joined = through(module.blocks[count:], torch.cat(apart, dim=1))
        found[f"isolation {count}"] = module.forward_head(module.norm(joined))
        alone = through(module.blocks[count:], through(module.blocks[:count], tokens)[:, :prefix])
        found[f"cls_only {count}"] = module.forward_head(module.norm(alone))
    final = module.norm(through(module.blocks, tokens))
    heads = [module.head, module.head_dist] if prefix == 2 else [module.head]

    def answer(vectors: torch.Tensor) -> torch.Tensor:
        return torch.stack([head(module.fc_norm(vectors)) for head in heads]).mean(dim=0)

    found["natural"] = found["cls"] = module(images)
    found["patch_mean"], found["all_mean"] = answer(final[:, prefix:].mean(dim=1)), answer(final.mean(dim=1))
    found["each"] = torch.stack([answer(final[:, place]) for place in range(prefix, final.shape[1])], dim=1)
    return found


def compared(model: LoadedModel, count: int) -> Recorded:
    images = torch.randn(count, 3, *model.input_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        probes = Recorded(model)
        probes.add(images, torch.arange(count) % CLASSES)
        for name, logits in plain(model, images).items():
            torch.testing.assert_close(
                probes.logits[name], logits, atol=1e-4, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
            )
    return probes


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_every_condition_agrees_with_the_plain_way(name: str) -> None:
    """The second has two prefix tokens and two heads."""
    probes = compared(vit(name), 3)
    assert probes.reads_prefix and not probes.missing


@pytest.mark.slow
def test_the_papers_dimensions_agree_with_the_plain_way() -> None:
    model = vit("vit_base_patch16_224", img_size=384, patch_size=16, depth=12, embed_dim=768, num_heads=12)
    assert model.sites["blocks.11.residual"].grid.positions == 577
    probes = compared(model, 1)
    assert probes.stack is not None and evaluations_of(probes.stack)["patches alone"] == 11


def test_one_stream_of_patches_serves_every_isolation() -> None:
    probes = compared(vit(depth=5), 2)
    assert probes.stack is not None
    counted = evaluations_of(probes.stack)
    assert counted["patches alone"] == 4 and counted["patches alone, one pass for each L"] == 10


def test_isolating_nothing_changes_nothing_and_isolating_all_leaves_chance() -> None:
    found = measure(over(vit(), Squares())).tables["accuracy"].set_index("name")
    first, last, natural = found.loc["isolation 0"], found.loc["isolation 3"], found.loc["natural"]
    assert (first.top1, first.top5) == (natural.top1, natural.top5) and first.difference == 0
    assert last.top1 == 1 / CLASSES and last.n == 16  # the same answer to every image, right for one class
    assert found.loc["cls_only 3"].top1 == natural.top1 and found.loc["cls_only 0"].top1 == 1 / CLASSES
    assert natural.interval_low < natural.top1 < natural.interval_high or natural.top1 in (0, 1)


def test_a_class_token_that_never_meets_the_patches_loses_nothing_by_isolation() -> None:
    found = measure(over(vit(change=without_mixing), Squares())).tables["accuracy"]
    kept = found[found.experiment.isin(["isolation", "cls_only", "uniform"])]
    assert (kept.difference == 0).all() and len(kept) == 4 + 4 + 3 + 2


def test_a_block_that_averages_loses_nothing_by_uniform_attention() -> None:
    model = vit(change=averaging_last)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        probes = Recorded(model)
        probes.add(images, torch.tensor([0, 1]))
    torch.testing.assert_close(probes.logits["uniform 2"], probes.logits["natural"], atol=1e-5, rtol=1e-5)
    result = result_of(probes, 2, CLASSES)
    last = result.tables["attention"].query("block == 2")
    assert last.entropy.tolist() == pytest.approx([1.0, 1.0]) and last.distance.max() < 1e-6
    assert result.tables["attention"].query("block == 0").entropy.max() < 0.99
    # All tokens are the mean, so every position answers what the class token answers.
    assert np.ptp(result.arrays["position_accuracy"], axis=(1, 2)).tolist() == [0, 0]


def test_uniform_attention_is_the_mean_of_the_values_head_by_head() -> None:
    module: Any = vit().module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        value = part.qkv(tokens)[..., 64:].unflatten(2, (2, 16))
        with attention.uniform(part):
            everywhere = part(tokens)
        torch.testing.assert_close(everywhere, part.proj(value.mean(1, keepdim=True).expand_as(value).flatten(2)))
        with attention.uniform(part, [1]):
            one = part(tokens)
        query, key = (each.unflatten(2, (2, 16)).transpose(1, 2) for each in part.qkv(tokens).chunk(3, dim=2)[:2])
        weights = (query @ key.transpose(2, 3) / 4).softmax(dim=3)
        weights[:, 1] = 1 / 17
        expected = part.proj((weights @ value.transpose(1, 2)).transpose(1, 2).flatten(2))
        torch.testing.assert_close(one, expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(part(tokens), vit().module.blocks[1].attn(tokens))  # type: ignore[index]


@pytest.mark.parametrize("qk_norm", [False, True])
def test_attention_weights_are_float32_under_autocast_too(qk_norm: bool) -> None:
    module: Any = vit(qk_norm=qk_norm).module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        projected = part.qkv(tokens)
        inside = attention.weights(part, projected)
    with torch.no_grad():
        outside = attention.weights(part, projected)
    assert projected.dtype == torch.bfloat16 and inside.dtype == torch.float32
    assert torch.equal(inside, outside)


def test_windows_attend_to_their_own_mean_and_position_biases_do_not_matter() -> None:
    torch.manual_seed(0)
    swin: Any = timm.create_model(
        "swin_tiny_patch4_window7_224", img_size=56, window_size=7, embed_dim=16, depths=(1, 1)
    )
    part = attention.attentions(swin.eval())[0]
    torch.nn.init.normal_(part.relative_position_bias_table, std=3.0)
    windows = torch.randn(4, 49, 16)
    with torch.no_grad(), attention.uniform(part):
        out = part(windows)
    assert float((out - out[:, :1]).abs().max()) < 1e-5 and float((out[0] - out[1]).abs().max()) > 1e-4


def test_a_network_without_attention_has_heads_and_positions_and_says_the_rest_in_one_line() -> None:
    model = small_cnn()
    model.module.reset_classifier(CLASSES)  # type: ignore[operator]
    model.class_names = NAMES
    found = measure(over(model, Squares()))
    assert set(found.tables["accuracy"].experiment) == {"natural", "heads"}
    assert len(found.facts["missing"]) == 1 and "neither attention nor a class token" in found.facts["missing"][0]
    natural, mean = (found.tables["accuracy"].set_index("name").loc[name] for name in ("natural", "patch_mean"))
    assert natural.top1 == mean.top1  # its own pooling is the mean
    assert found.arrays["position_accuracy"].shape[1:] == (1, 1)


def test_a_vit_that_pools_its_patches_has_no_class_token_to_isolate() -> None:
    model = vit(global_pool="avg")
    found = measure(over(model, Squares()))
    assert {"isolation", "cls_only"}.isdisjoint(found.tables["accuracy"].experiment)
    assert "uniform" in set(found.tables["accuracy"].experiment)
    assert any("reads no class token" in line for line in found.facts["missing"])


@pytest.mark.parametrize(
    ("names", "told"),
    [(("cat", "dog", "cow", "pig"), "knows none of the data set's classes"), (None, "does not say what its 4 classes")],
)
def test_labels_that_are_no_class_of_the_model_are_refused_in_a_sentence(
    names: tuple[str, ...] | None, told: str
) -> None:
    """Also where the model names no classes: the first of the data set need not be its first."""
    model = vit()
    model.class_names = names
    with pytest.raises(BadRequest, match=told):
        measure(over(model, Squares()))


def test_labels_are_matched_by_name_and_those_that_could_mean_two_classes_are_left_out_and_told() -> None:
    model = vit()
    model.class_names = ("white, snow", "crane", "Red", "crane")
    squares = Squares()
    squares.class_names = ("red", "crane", "blue", "snow")
    labels, matching = images.labels_for(model, squares)
    assert labels == {number: {0: 2, 3: 0}[number % 4] for number in range(16) if number % 4 in (0, 3)}
    assert [what for what, _ in matching.notes] == ["class crane", "class blue"]
    found = measure(over(model, squares))
    assert found.facts["images"] == 8 and "2 of the 4 classes of “squares”" in found.facts["missing"][-1]
    assert [what for what, _ in found.facts["skipped"]] == ["class crane", "class blue"]


def test_chance_is_among_all_classes_that_the_model_answers_with() -> None:
    model = vit(num_classes=8)
    model.class_names = (*NAMES, "black", "grey", "pink", "brown")
    assert measure(over(model, Squares())).facts["chance"] == 1 / 8


@pytest.mark.parametrize("given", [imagenet_ids(), ()])
def test_wordnet_ids_and_numbers_without_names_mean_imagenets_classes(given: tuple[str, ...]) -> None:
    model = vit(num_classes=1000)
    photos = Photos("photos", [("tench", Path("tench.jpg"), 0), ("goldfish", Path("goldfish.jpg"), 1)], given)
    for names in (imagenet_names(), None):
        model.class_names = names
        assert images.labels_for(model, photos)[0] == {0: 0, 1: 1}
    model.class_names = imagenet_ids()[::-1]
    assert images.labels_for(model, photos)[0] == {0: 999, 1: 998}


def test_a_model_is_put_together_again_before_its_parts_are_used() -> None:
    model = vit()
    readout = ReadOut.of(model)
    stack = Stack.of(model, readout)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(stack.rest(0, stack.embed(images), "joint"), model.module(images))
    assert readout.reads_prefix and not readout.reads_image
