"""Maps laid over scenes, and pictures enlarged: pixels with known answers."""

from __future__ import annotations

import numpy as np

from pages.common.overlay import DIMMED, enlarged, heat, overlay, spotlight

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)


def test_a_map_at_the_bottom_of_its_scale_changes_nothing() -> None:
    assert np.array_equal(overlay(IMAGE, np.full((3, 3), 1.0), low=1.0, high=2.0), IMAGE)
    assert np.array_equal(overlay(IMAGE, np.full((3, 3), -5.0), low=1.0, high=2.0), IMAGE)


def test_the_heat_lies_where_the_map_is_high() -> None:
    positions = np.zeros((3, 3))
    positions[2, 0] = 4.0
    changed = np.abs(overlay(IMAGE, positions, low=0.0, high=4.0).astype(int) - IMAGE).sum(axis=2)
    assert changed[20:, :4].min() > 0
    assert changed[:12, 12:].max() == 0


def test_what_a_unit_looks_at_keeps_its_colours_and_the_rest_is_dim_and_grey() -> None:
    positions = np.zeros((3, 3))
    positions[2, 0] = 4.0
    seen = spotlight(IMAGE, positions, low=0.0, high=4.0)
    assert np.array_equal(seen[21:, :3], IMAGE[21:, :3])
    away, before = seen[:12, 12:].astype(float), IMAGE[:12, 12:].astype(float)
    assert away.mean() < 1.1 * DIMMED * before.mean()
    assert np.ptp(away, axis=2).mean() < 0.3 * DIMMED * np.ptp(before, axis=2).mean()


def test_from_half_way_up_its_scale_a_scene_is_shown_in_full() -> None:
    for value, dimmed in ((1.0, True), (1.4, True), (1.5, False), (2.0, False)):
        seen = spotlight(IMAGE, np.full((3, 3), value), low=1.0, high=2.0)
        assert np.array_equal(seen, IMAGE) != dimmed


def test_a_unit_whose_scale_is_empty_is_no_error() -> None:
    for laid in (overlay, spotlight):
        assert laid(IMAGE, np.zeros((3, 3)), low=0.0, high=0.0).shape == IMAGE.shape


def test_heat_grows_lighter_all_along_its_scale() -> None:
    lightness = heat(np.linspace(0, 1, 50)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_enlarging_repeats_pixels_and_invents_none() -> None:
    large = enlarged(IMAGE, 50)
    assert large.shape == (72, 72, 3)
    assert np.array_equal(large[::3, ::3], IMAGE) and np.array_equal(large[2::3, 2::3], IMAGE)


def test_a_picture_that_is_large_enough_stays_as_it_is() -> None:
    assert enlarged(IMAGE, 24) is not None and np.array_equal(enlarged(IMAGE, 10), IMAGE)
