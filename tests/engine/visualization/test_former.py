"""Results of earlier versions are found by their keys, so that the page of an old link can say what has changed."""

from __future__ import annotations

import pytest

from engine.visualization.request import VisualizeRequest


@pytest.mark.parametrize(
    ("recipe", "version", "units", "key"),
    [
        ("fast", 5, (0, 1), "p67t55jvxbe2banibmukrmbeha"),
        ("fast", 4, (0,), "mdnyki32chppsos6gd6yvnkrau"),
        ("paper", 4, (0,), "u75ihmgkn44twjsoiyap7d6m4u"),
        ("paper-code", 4, (0,), "5r6eegsgrnho55z2kzgl3xhwla"),
    ],
)
def test_the_keys_of_versions_before_are_those_that_results_were_stored_under(recipe, version, units, key):
    """Written down with those versions."""
    request = VisualizeRequest(model="starter-vit", site="blocks.6.mlp.hidden", units=units, recipe=recipe)
    assert request.former_key(version) == key != request.key()
    assert "noise with its own spectrum" in request.changed_since(version)
    assert "“paper” follows the paper's text" in request.changed_since(version)
