"""Training scenes stand on their kind's home place as often as they are told to."""

from __future__ import annotations

import numpy as np
import pytest

from starter.make.kinds import read_kinds
from starter.make.scenes import HOME_SHARE, random_numbers, training_place
from starter.make.training_set import check_share


@pytest.mark.parametrize("share", [0.3, HOME_SHARE, 0.9])
def test_a_home_share_is_how_often_scenes_stand_at_home(share: float):
    kind = read_kinds()[0]
    at_home = [
        training_place(random_numbers("train", 0, index), kind, share) == kind.home_place for index in range(2000)
    ]
    assert np.mean(at_home) == pytest.approx(share, abs=0.04)


def test_a_folder_holds_scenes_of_one_home_share(tmp_path):
    note = tmp_path / "home-share.txt"
    check_share(note, 0.9)
    check_share(note, 0.9)
    with pytest.raises(SystemExit, match=r"home share of 0\.9"):
        check_share(note, 0.3)
    older = tmp_path / "older"
    older.mkdir()
    (older / "finished.txt").write_text("0\n")
    with pytest.raises(SystemExit, match=r"home share of 0\.6"):
        check_share(older / "home-share.txt", 0.9)
