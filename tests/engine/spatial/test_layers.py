"""The curves over the depth, where they are known: tokens that never mix, and a last block that only mixes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import to_png
from engine.core.request import build
from engine.data import uploads
from engine.data.dataset import Dataset
from engine.data.formats.detect import open_path
from engine.spatial import images, moves
from engine.spatial.layers import measure
from engine.spatial.maps import MapsRequest, maps
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
    assert table.self_retrieval.isna().all() and len(found.facts["missing"]) == 1
    assert table.localisation_auroc.notna().all() and "self_retrieval" not in found.facts["last"]


def test_a_network_that_looks_at_each_patch_alone_moves_along() -> None:
    """Without positions and mixing, rolling by whole patches rolls every map and changes no mean."""

    def lost(module) -> None:
        without_mixing(module)
        torch.nn.init.zeros_(module.pos_embed)

    table = moves.measure(over(vit(change=lost), Squares()), 8).tables["moves"]
    shift, turn = (table[table.kind == kind] for kind in ("shift", "turn"))
    assert (shift.equivariance > 0.999).all() and (shift.invariance > 0.999).all()
    assert (turn.equivariance < 0.99).all()  # the pixels inside a patch turn too


def test_several_moves_of_the_same_images_are_no_more_images() -> None:
    """Three moves that do the same: the numbers and their intervals are those of one."""
    draws = torch.Generator().manual_seed(0)
    plain, moved = (torch.randn(12, 5, 4, 4, generator=draws) for _ in range(2))
    once, thrice = moves._Tally(), moves._Tally()
    for tally, times in ((once, 1), (thrice, 3)):
        for first in (0, 6):
            part = slice(first, first + 6)
            for _ in range(times):
                tally.add(np.arange(12)[part], plain[part], plain[part], moved[part])
    assert thrice.row() == pytest.approx(once.row())


def test_a_mean_that_becomes_any_other_images_is_at_minus_one() -> None:
    plain, moved = torch.randn(2, 4000, 64, 1, 1, generator=torch.Generator().manual_seed(0))
    tally = moves._Tally()
    tally.add(np.arange(4000), plain, plain, moved)
    assert tally.row()["invariance"] == pytest.approx(-1, abs=0.03)


def test_maps_of_one_picture_are_what_the_site_says_and_tokens_are_like_themselves() -> None:
    from engine.sites.access import read

    model, pixels = vit(), Squares().image(3)
    found = maps(model, pixels, Squares().mask(3).astype(np.float32), unit=5)
    image = model.normalize(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
    expected = read(model.module, ["blocks.1.mlp.hidden"], image)["blocks.1.mlp.hidden"][0, :, 5]
    np.testing.assert_allclose(found.arrays["map_1"].ravel(), expected[1:].numpy(), atol=1e-6)
    row = found.tables["layers"].iloc[1]
    assert row.prefix_0 == pytest.approx(float(expected[0]), abs=1e-6) and 0 <= row.auroc <= 1
    assert np.diag(found.arrays["tokens_2"]).tolist() == pytest.approx([1.0] * 16)
    with pytest.raises(BadRequest, match="no unit 999"):
        maps(model, pixels, None, unit=999)


@pytest.mark.usefixtures("own_store")
def test_an_uploaded_picture_is_kept_by_its_pixels_and_refused_when_it_is_none() -> None:
    picture = Squares().image(0)
    name = uploads.UPLOADED + uploads.keep_image(to_png(picture), "mine.png")
    assert uploads.UPLOADED + uploads.keep_image(to_png(picture), "again.png") == name
    assert np.array_equal(uploads.image_of(name, "starter"), picture)
    for data in (b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", to_png(picture)[:200]):
        with pytest.raises(RefusedFile, match=r"^mine\.png is "):
            uploads.keep_image(data, "mine.png")
    for hostile in ("up-" + "0" * 16, "up-../../secret", "up-" + "Z" * 16, "up-"):
        with pytest.raises(Unavailable, match="Give its file again"):
            uploads.fingerprint(hostile)


def test_an_image_that_is_not_there_is_refused_before_anything_runs() -> None:
    for image in ("99999", "-1", "first", "9" * 70):
        with pytest.raises(BadRequest, match="there is no image"):
            build(MapsRequest, model="starter-vit", image=image).key()
