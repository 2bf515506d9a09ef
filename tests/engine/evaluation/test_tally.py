"""The strongest images of every unit: the same however the stream is cut, and finite however strong."""

from __future__ import annotations

import torch

from engine.evaluation.tally import Strongest


def test_of_equal_images_the_earlier_stays_however_the_stream_is_cut():
    values = torch.tensor([[0.0], [5.0], [5.0], [0.0], [5.0], *[[0.0]] * 495])
    for batch in (1, 2, 4, 6, 500):
        strongest = Strongest(1, 4, (1, 1), torch.device("cpu"))
        for start in range(0, 500, batch):
            part = values[start : start + batch]
            strongest.add(torch.arange(start, start + len(part)), part, part[:, None])
        ids, kept, maps = strongest.arrays(500)
        assert ids.tolist() == [[1, 2, 4, 0]]
        assert kept.tolist() == [[5, 5, 5, 0]]
        assert maps.ravel().tolist() == [5, 5, 5, 0]


def test_an_activation_beyond_half_precision_is_kept_finite_in_the_maps():
    strongest = Strongest(1, 1, (1, 1), torch.device("cpu"))
    strongest.add(torch.tensor([4]), torch.tensor([[1e6]]), torch.tensor([[[1e6]]]))
    ids, values, maps = strongest.arrays(1)
    assert (ids.item(), values.item()) == (4, 1e6)
    assert maps.item() == 65504
