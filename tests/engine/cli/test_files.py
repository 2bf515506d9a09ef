"""Files on the command line become targets: kept, named by their content, refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from engine.cli.arguments.commands import parser
from engine.cli.experiments import _address
from engine.cli.files import image, with_files
from engine.core.errors import BadRequest, RefusedFile
from engine.data import uploads

WHERE = ("visualize", "--model", "m", "--site", "s")


def asked(*argv: str):
    arguments = parser().parse_args([*WHERE, *argv])
    return with_files(_address(arguments), arguments)


def test_vectors_and_images_become_targets_after_the_units(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.arange(1.0, 5.0))
    save_file({"cat": np.ones(4), "dog": np.arange(4.0)}, tmp_path / "concepts.safetensors")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "black.png")
    vectors = ("--direction", str(tmp_path / "v.npy"), "--direction", f"{tmp_path / 'concepts.safetensors'}:dog")
    found = asked("--units", "3,head1", *vectors, "--match", "17", "--caricature", str(tmp_path / "black.png"))
    assert found.units == (3,)
    head, first, second, match, caricature = found.targets
    assert (head, match) == ("head1", "match:17")
    assert uploads.vector(first.removeprefix("dir-")).tolist() == [1, 2, 3, 4]
    assert uploads.vector(second.removeprefix("dir-")).tolist() == [0, 1, 2, 3]
    assert uploads.image(caricature.removeprefix("caricature:up-")).shape == (4, 4, 3)


def test_a_direction_needs_no_units_beside_it(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.arange(1.0, 5.0))
    found = asked("--direction", str(tmp_path / "v.npy"))
    assert found.units == () and len(found.targets) == 1
    with pytest.raises(BadRequest, match="--units missing"):
        asked()


def test_what_is_no_file_and_what_is_no_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot be read"):
        asked("--direction", str(tmp_path / "none.npy"))
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(RefusedFile, match=r"page\.html"):
        image(str(tmp_path / "page.html"))
    assert image("007") == "007"


def test_images_to_invert_and_texts_are_read_under_their_present_and_their_former_option() -> None:
    present = asked("--units", "3", "--invert", "17", "--text", "a boat, red")
    former = asked("--units", "3", "--match", "17", "--says", "a boat, red")
    assert present == former
    assert present.targets == ("match:17", "says(a boat%2C red)")


def test_help_offers_the_present_options_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["visualize", "--help"])
    shown = capsys.readouterr().out
    assert "--invert" in shown and "--text" in shown
    assert "--match" not in shown and "--says" not in shown
