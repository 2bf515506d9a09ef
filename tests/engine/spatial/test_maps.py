"""One image through the depth: maps, tokens and their likeness against the plain way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.images import to_png
from engine.core.request import build
from engine.data import uploads
from engine.spatial import maps as module
from engine.spatial.maps import MapsRequest, maps
from tests.engine.small import small_cnn
from tests.engine.spatial.known import Squares, vit
from tests.engine.spatial.test_measures import plain_auroc


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


def test_tokens_are_alike_by_the_cosine_of_their_directions() -> None:
    from engine.sites.access import read

    model, pixels = vit(), Squares().image(3)
    alike = maps(model, pixels, None, unit=5).arrays["tokens_1"]
    image = model.normalize(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
    tokens = read(model.module, ["blocks.1.residual"], image)["blocks.1.residual"][0, 1:].detach().numpy()
    lengths = np.linalg.norm(tokens, axis=1)
    expected = tokens @ tokens.T / np.outer(lengths, lengths)
    np.testing.assert_allclose(alike, expected, atol=2e-3)
    assert np.ptp(expected) > 0.3, "not all are alike"


def test_a_maps_row_tells_its_range_and_how_well_it_finds_the_object() -> None:
    mask = Squares().mask(3).astype(np.float32)
    found = maps(vit(), Squares().image(3), mask, unit=5)
    on_grid = torch.from_numpy(mask).unflatten(0, (4, 8)).unflatten(2, (4, 8)).mean(dim=(1, 3)).flatten() >= 0.5
    for index, row in enumerate(found.tables["layers"].to_dict("records")):
        map_ = found.arrays[f"map_{index}"]
        assert (row["low"], row["high"]) == (map_.min(), map_.max())
        assert row["auroc"] == pytest.approx(plain_auroc(torch.from_numpy(map_).flatten(), on_grid), abs=1e-6)
        assert (row["layer"], row["depth"], row["height"], row["width"]) == (index, (index + 1) / 3, 4, 4)
    assert found.facts["missing"] == []
    without = maps(vit(), Squares().image(3), None, unit=5)
    assert without.tables["layers"].auroc.isna().all() and "is unknown" in without.facts["missing"][0]


def test_a_layer_of_fewer_units_has_no_map_and_says_how_many_it_has() -> None:
    model = small_cnn()
    model.input_size = (64, 64)
    units = [layer.maps.units for layer in module.layers_of(model.sites)[1]]
    few, many = min(units), max(units)
    assert few < many
    found = maps(model, Squares(side=64).image(0), None, unit=few)
    assert [f"map_{index}" in found.arrays for index in range(len(units))] == [count > few for count in units]
    assert found.tables["layers"].units.tolist() == units


def test_likeness_of_too_many_positions_is_left_out_and_said(monkeypatch) -> None:
    whole = 3 * 16**2 * 2  # three layers of sixteen positions, two bytes a pair
    monkeypatch.setattr(module, "MOST_BYTES", whole)
    found = maps(vit(), Squares().image(0), None, unit=5)
    assert "tokens_0" in found.arrays and not any("too many" in line for line in found.facts["missing"])
    monkeypatch.setattr(module, "MOST_BYTES", whole - 1)
    found = maps(vit(), Squares().image(0), None, unit=5)
    assert (
        not any(name.startswith("tokens") for name in found.arrays)
        and "too many positions" in found.facts["missing"][0]
    )
