"""`python -m engine spatial`: every key that scripts rely on, and intervals around what they belong to."""

from __future__ import annotations

import json

import pytest

from engine.cli import main


def answer(capsys: pytest.CaptureFixture[str], model: str) -> dict:
    assert main(["spatial", "--model", model, "--data", "starter", "--images", "8", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_vit_has_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "starter-vit")
    assert [row["layer"] for row in found["layers"]] == list(range(8))
    for row in found["layers"]:
        for name in ("localisation_auroc", "self_retrieval", "position_r2", "homogeneity"):
            low, high = row["intervals"][name]
            assert low <= high and isinstance(row[name], float)
    assert (
        [row["isolated"] for row in found["isolation"]] == [row["after"] for row in found["cls_only"]] == list(range(9))
    )
    assert [row["block"] for row in found["uniform_attention"]] == list(range(8))
    assert {"cls", "patch_mean", "patch_average", "patch_maximum"} <= set(found["heads"])
    accuracies = [*found["isolation"], *found["cls_only"], *found["uniform_attention"], *found["heads"].values()]
    for row in accuracies:
        assert row["n"] == 8 and row["interval"][0] <= row["top1"] <= row["interval"][1] and row["top1"] <= row["top5"]
    assert found["isolation"][0]["top1"] == found["natural"]["top1"] == found["cls_only"][8]["top1"]
    assert found["evaluations"]["patches alone"] == 7


def test_a_cnn_has_what_exists_and_says_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "starter-cnn")
    assert found["layers"][0]["self_retrieval"] is None and found["isolation"] == []
    assert found["heads"]["patch_mean"]["top1"] == found["natural"]["top1"]
    assert len(found["missing"]) == 3
