"""Keys tell apart what was measured from zero and what from blanks, and keep those of units that have a zero."""

from __future__ import annotations

import pytest

from engine.visualization.request import VisualizeRequest
from engine.visualization.scoring.yardstick import COMMON, yardstick


@pytest.mark.parametrize(
    ("model", "site", "targets", "from_zero"),
    [
        ("starter-vit", "blocks.6.mlp.hidden", (), True),
        ("starter-vit", "blocks.6.mlp.hidden", ("(4-5)",), False),
        ("starter-vit", "blocks.6.mlp.out", (), False),
        ("starter-vit", "blocks.6.attn.key", (), False),
        ("starter-vit", "head.logits", (), False),
        ("starter-cnn", "stages.1.blocks.1", (), True),
        ("starter-cnn", "nowhere", (), False),
    ],
)
def test_what_is_measured_from_blanks_says_so_in_its_key(model, site, targets, from_zero: bool) -> None:
    assert (yardstick(model, site, targets) == COMMON) == from_zero


@pytest.mark.parametrize(("site", "same"), [("blocks.6.mlp.hidden", True), ("head.logits", False)])
def test_results_of_units_with_a_zero_keep_their_keys(site: str, same: bool) -> None:
    request = VisualizeRequest(model="starter-vit", site=site, units=(0,))
    assert (request.former_key(request.version) == request.key()) == same
