"""An observer sees the images of a data set and any other image in the same way."""

from __future__ import annotations

import numpy as np
import pytest

from engine.explanation.observer import blocks_of, observer
from tests.engine.explanation.planted import Colours, Desk


def test_a_made_picture_is_seen_as_the_same_image_of_the_data_set_is(world):
    watching = observer("painter", "colours", Desk())
    again = watching.see([Colours().image(int(number)) for number in watching.numbers[:5]])
    assert again == pytest.approx(watching.embeddings[:5], abs=1e-5)
    assert np.linalg.norm(watching.embeddings, axis=1) == pytest.approx(np.ones(120), abs=1e-5)


def test_every_block_counts_alike_and_what_all_images_share_does_not_count(world):
    watching = observer("painter", "colours", Desk())
    assert blocks_of(world["painter"]) == watching.sites == ("stages.0.blocks.0", "stages.1.blocks.0")
    first, second = np.split(watching.embeddings, 2, axis=1)
    assert np.linalg.norm(first, axis=1) == pytest.approx(np.linalg.norm(second, axis=1), abs=1e-5)
    assert np.abs(watching.embeddings.mean(0)).max() < 0.1
