"""What the table over all rows says of one result."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd

from engine.core.request import Result
from pages.sections.visualize.comparison import line


def test_a_result_tells_how_many_of_its_pictures_beat_the_scenes_and_in_which_batches_they_were_made() -> None:
    table = pd.DataFrame(
        {
            "unit": range(4),
            "activation": [1.0, 2.0, 3.0, 4.0],
            "ratio_to_best_scene": [2.0, 2.0, 4.0, 0.5],
            "beats_every_scene": [True, True, True, False],
            "failed": [False, False, False, True],
            "seconds": [1.0] * 4,
            "batch": [16, 4, 16, 1],
        }
    )
    row: Any = SimpleNamespace(name="starter-vit")
    told = line(row, Result({}, {}, {"units": table}))
    assert told["name"] == "starter-vit" and told["ratio"] == 2.0
    assert told["beats"] == "75% (19% to 99%)" and told["succeeding"] == "75% (19% to 99%)"
    assert told["batches"] == "1, 4, 16"
