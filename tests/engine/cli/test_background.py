"""`background` and `frequency`: every model's numbers, the paired differences, and what was left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.cli import main
from tests.engine.world import png, write, xml

MODEL = "starter-cnn"


def test_background_prints_each_models_numbers_and_the_paired_differences(ask):
    facts = ask("background", "--models", MODEL, "starter-vit", "--limit", "10")
    assert [model["model"] for model in facts["models"]] == [MODEL, "starter-vit"]
    for model in facts["models"]:
        for variant in ("full", "foreground", "background"):
            assert model[variant].keys() >= {
                *("top1", "top5", "loss", "n", "top1_interval", "top5_interval", "top5_normalised")
            }
            low, high = model[variant]["top1_interval"]
            assert low <= model[variant]["top1"] <= high and model[variant]["n"] == 10
    assert {(row["a"], row["b"], row["variant"]) for row in facts["paired"]} == {
        (MODEL, "starter-vit", variant) for variant in ("full", "foreground", "background")
    }
    assert all(len(row["interval"]) == 2 for row in facts["paired"])
    assert (
        facts["cut"] == "box"
        and facts["matched"]["of"] == 10
        and "With the background blacked out" in facts["sentence"]
    )
    again = ask("background", "--models", MODEL, "--limit", "10")
    assert (
        again["stored"] == [True] and again["paired"] == [] and again["models"][0]["full"] == facts["models"][0]["full"]
    )


def test_frequency_prints_curves_with_area_and_half_cutoff(ask):
    facts = ask("frequency", "--models", MODEL, "--limit", "6", "--cutoffs", "0.1", "0.3", "1")
    (model,) = facts["models"]
    assert model.keys() >= {"model", "low_pass", "high_pass", "area", "half_cutoff"}
    for rows in (model["low_pass"], model["high_pass"]):
        assert [row["cutoff"] for row in rows] == [0.1, 0.3, 1.0]
        assert all(row.keys() >= {"cutoff", "top1", "normalised"} for row in rows)
    assert model["low_pass"][-1]["top1"] == model["full"]["top1"]


def test_a_cutoff_of_0_leaves_the_mean_of_a_low_pass_and_everything_of_a_high_pass(ask, capsys):
    argv = ("frequency", "--models", MODEL, "--limit", "6", "--cutoffs", "0", "0.5")
    (model,) = ask(*argv)["models"]
    assert [row["cutoff"] for row in model["low_pass"]] == [0.0, 0.5, 1.0]
    assert [row["cutoff"] for row in model["high_pass"]] == [0.0, 0.5]
    assert model["high_pass"][0]["top1"] == model["low_pass"][-1]["top1"] == model["full"]["top1"]
    assert main([*argv]) == 0
    _, *rows = capsys.readouterr().out.splitlines()[:4]
    assert [(row.split()[0], row.split()[-1] == "-") for row in rows] == [("0", False), ("0.5", False), ("1", True)]


def test_a_folder_in_ilsvrcs_layout_is_measured_and_what_is_broken_is_listed(ask, tmp_path: Path):
    from engine.data.registry import open_dataset

    scenes = open_dataset("starter")
    for number in scenes.evaluated()[:6]:
        kind = scenes.class_names[scenes.label(int(number))]
        image = scenes.image(int(number))
        name = f"{kind}/{number}"
        write(tmp_path / f"Data/CLS-LOC/val/{name}.png", png(image))
        boxes = [(kind, box) for box in scenes.boxes(int(number)) or []]
        write(tmp_path / f"Annotations/CLS-LOC/val/{name}.xml", xml(96, 96, boxes))
    write(tmp_path / "Data/CLS-LOC/val/not a kind/x.png", png(np.zeros((9, 9, 3), np.uint8)))
    facts = ask("background", "--models", MODEL, "--data", str(tmp_path))
    assert facts["models"][0]["full"]["n"] == 6 and facts["cut"] == "box"
    assert [what for what, _ in facts["skipped"]] == ["class not a kind"]
