"""The curves over the depth, where they are known: tokens that never mix, and a last block that only mixes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from engine.core.images import to_png
from engine.data.dataset import Dataset
from engine.data.formats.detect import open_path
from engine.spatial import images
from engine.spatial.layers import CURVES, measure, place_told
from tests.engine.small import small_cnn
from tests.engine.spatial.known import Squares, averaging_last, over, vit, without_mixing
from tests.engine.world import write, xml


def test_tokens_that_never_mix_find_themselves_in_every_layer() -> None:
    table = measure(over(vit(change=without_mixing), Squares())).tables["layers"]
    assert table.self_retrieval.tolist() == [1.0, 1.0, 1.0]
    assert (table.position_r2 > 0.8).all()  # the positions that the model was given are still there


def test_a_last_block_that_averages_leaves_chance_and_uniform_maps() -> None:
    found = measure(over(vit(change=averaging_last), Squares()))
    first, *_, last = found.tables["layers"].to_dict("records")
    assert (
        last["self_retrieval"] == pytest.approx(1 / 16, abs=1e-6) == pytest.approx(found.facts["chance_self_retrieval"])
    )
    assert last["homogeneity"] == pytest.approx(1.0, abs=1e-5) and last["position_r2"] < 0.01
    assert first["self_retrieval"] == 1.0 and first["position_r2"] > 0.8
    low, high = found.facts["last"]["self_retrieval"]["interval"]
    assert low == high == found.facts["last"]["self_retrieval"]["difference"] == 1 / 16 - 1  # on every image the same


def test_a_unit_that_sees_brightness_finds_the_squares_and_the_control_does_not() -> None:
    def bright(module) -> None:
        without_mixing(module)
        torch.nn.init.zeros_(module.pos_embed)
        torch.nn.init.constant_(module.patch_embed.proj.weight, 1 / 192)
        module.blocks[0].norm1, module.blocks[0].norm2 = torch.nn.Identity(), torch.nn.Identity()
        torch.nn.init.constant_(module.blocks[0].mlp.fc1.weight, 1.0)
        torch.nn.init.constant_(module.blocks[0].mlp.fc1.bias, 40.0)  # far from where GELU is flat

    row = measure(over(vit(change=bright), Squares(32))).tables["layers"].iloc[0]
    assert row.localisation_auroc > 0.85 and row.localisation_control < 0.75


def boxed(folder: Path, drawn: tuple[int, int] = (32, 32)) -> Dataset:
    """The squares as ILSVRC publishes images: class folders, and boxes in XML."""
    squares = Squares()
    for number in range(len(squares)):
        kind = squares.class_names[squares.label(number)]
        rows, columns = (np.flatnonzero(squares.mask(number).any(axis)) for axis in (1, 0))
        around = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        write(folder / f"Data/CLS-LOC/train/{kind}/{number:02}.png", to_png(squares.image(number)))
        write(folder / f"Annotations/CLS-LOC/train/{kind}/{number:02}.xml", xml(*drawn, [(kind, around)]))
    return open_path(folder, "boxed")


def test_boxes_in_xml_say_where_objects_are_where_they_were_drawn_on_the_same_size(tmp_path: Path) -> None:
    stored = boxed(tmp_path / "same")
    (batch,) = images.batches(stored, range(16), vit(), 16, {})
    for place, number in enumerate(int(stored.describe(index)["name"][-6:-4]) for index in batch.numbers):
        assert np.array_equal(batch.masks[place].numpy(), Squares().mask(number))
    found = measure(over(vit(), stored))
    assert found.facts["masks"] > 0 and found.tables["layers"].localisation_auroc.notna().all()
    (batch,) = images.batches(boxed(tmp_path / "other", (640, 480)), range(16), vit(), 16, {})
    assert batch.masks.isnan().all() and len(batch.numbers) == 16


def test_the_batch_does_not_change_the_numbers() -> None:
    from engine.spatial import layers

    entry, found = layers.layers_of(vit().sites)
    results = [
        layers._pass(over(vit(), Squares()), np.arange(16), entry, found, size).tables["layers"] for size in (3, 16)
    ]
    numbers = [table.drop(columns=["site", "maps"]).to_numpy(float) for table in results]
    np.testing.assert_allclose(numbers[0], numbers[1], atol=1e-4)


def test_a_cnn_has_every_curve_but_self_retrieval_and_says_why() -> None:
    model = small_cnn()
    model.input_size = (64, 64)
    found = measure(over(model, Squares(side=64)))
    table = found.tables["layers"]
    assert table.self_retrieval.isna().all() and len(found.facts["missing"]) == 2
    assert table.localisation_auroc.notna().all() and "self_retrieval" not in found.facts["last"]


class Unmarked(Squares):
    """Squares of which nobody knows where the object is."""

    def mask(self, index: int) -> None:
        return None

    def image(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 255, (32, 32, 3), np.uint8)


class Filled(Unmarked):
    """The object is the whole image."""

    def mask(self, index: int) -> np.ndarray:
        return np.ones((32, 32), bool)


def test_why_there_is_no_localisation_is_said_as_it_is() -> None:
    unknown = "Localisation requires masks or boxes, and this data set has neither."
    everywhere = [
        f"For blocks.{block}.mlp.hidden, no image has positions both on and off its object." for block in range(3)
    ]
    for dataset, lines in ((Unmarked(), [unknown]), (Filled(), everywhere), (Squares(24), [])):
        result = measure(over(vit(), dataset))
        assert result.facts["missing"] == lines
        assert result.tables["layers"].localisation_auroc.isna().all() == bool(lines)
        assert (result.facts["masks"] == 0) == bool(lines)


def test_units_are_told_with_their_separation_and_the_last_block_against_the_others() -> None:
    """Two routes: the table's numbers from the arrays, and the difference from the table."""
    result = measure(over(vit(), Squares(24)))
    table, numbers, separation = result.tables["layers"], result.arrays["units"], result.arrays["unit_auroc"]
    assert (numbers[0] == np.arange(128)).all(), "every unit where there are no more than 192"
    np.testing.assert_allclose(np.median(separation, axis=1), table.localisation_auroc, atol=1e-6)
    np.testing.assert_allclose(np.percentile(separation, 25, axis=1), table.localisation_quartile_1, atol=1e-6)
    np.testing.assert_allclose(np.percentile(separation, 75, axis=1), table.localisation_quartile_3, atol=1e-6)
    assert (separation >= 0.5).all() and (table.depth == np.array([1, 2, 3]) / 3).all()
    for name in CURVES:
        last = result.facts["last"][name]
        assert last["difference"] == pytest.approx(table[name].iloc[-1] - table[name].iloc[:-1].mean(), abs=1e-6)
        assert last["interval"][0] <= last["difference"] <= last["interval"][1] and last["smallest"] >= 0
        assert (table[f"{name}_low"] <= table[name]).all() and (table[name] <= table[f"{name}_high"]).all()
    assert result.facts["images"] == 24 and result.facts["scored"] == 12, "half of the images are fitted on"


def test_layers_of_fewer_units_are_padded() -> None:
    from engine.spatial import layers

    rows = layers._padded([np.array([3, 4]), np.array([5])], -1, np.int32)
    assert rows.tolist() == [[3, 4], [5, -1]] and rows.dtype == np.int32


def test_blocks_that_tell_less_of_a_place_than_the_middle_of_the_image_would_are_left_out() -> None:
    table = pd.DataFrame({"position_r2": [0.4, -5.8, np.nan, 0.0], "layer": range(4)})
    table = table.assign(position_r2_low=table.position_r2 - 0.1, position_r2_high=table.position_r2 + 0.1)
    told = place_told(table)
    assert told.position_r2.isna().tolist() == [False, True, True, False] and told.layer.tolist() == [0, 1, 2, 3]
    assert told.position_r2_low.isna().tolist() == told.position_r2_high.isna().tolist() == [False, True, True, False]
