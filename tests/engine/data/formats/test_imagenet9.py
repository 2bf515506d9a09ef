"""ImageNet-9: what its nine classes hold, and its variations however their folders are called."""

from __future__ import annotations

from pathlib import Path

from engine.data.formats.imagenet9 import NINE, Challenge, to_nine
from engine.data.imagenet import imagenet_ids, imagenet_names
from tests.engine.world import png, scene, write


def test_the_nine_classes_hold_370_of_imagenets():
    nine = to_nine()
    assert (nine >= 0).sum() == 370 and nine.max() == 8
    for name, number in (
        ("tench", 8),
        ("ostrich", 1),
        ("Chihuahua", 0),
        ("timber wolf", 4),
        ("gorilla", 7),
        ("accordion", 6),
    ):
        index = next(at for at, names in enumerate(imagenet_names()) if names.split(",")[0] == name)
        assert NINE[nine[index]] == NINE[number], name
    assert nine[imagenet_ids().index("n02123045")] == -1, "tabby cats belong to none"


def test_class_folders_have_their_number_or_their_name_and_others_are_of_no_class(tmp_path: Path) -> None:
    for folder in ("00_dog", "bird", "08_fish", "09_cat", "cat", "dog_old"):
        write(tmp_path / f"original/{folder}/a.png", png(scene(0)))
    write(tmp_path / "no_fg/val/dog/a.png", png(scene(0)))
    challenge = Challenge(tmp_path, "bg")
    assert challenge.class_names == NINE and challenge.gives() == {"labels", "variations"}
    kinds = {challenge.describe(n)["name"].split("/")[0]: challenge.label(n) for n in range(len(challenge))}
    assert kinds == {"00_dog": 0, "bird": 1, "08_fish": 8, "09_cat": None, "cat": None, "dog_old": None}
    assert [*challenge.variations] == ["original", "no_fg"] and challenge.variations["no_fg"].labels().tolist() == [0]


def test_every_variation_counts_for_the_fingerprint(tmp_path: Path) -> None:
    for variation in ("original", "no_fg"):
        write(tmp_path / f"{variation}/00_dog/a.png", png(scene(0)))
    before = Challenge(tmp_path, "bg").fingerprint
    write(tmp_path / "no_fg/00_dog/b.png", png(scene(1)))
    assert Challenge(tmp_path, "bg").fingerprint != before
