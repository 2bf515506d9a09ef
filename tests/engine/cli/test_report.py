"""`report` writes one file, says what it will do first, and works where a claim cannot be told or a measurement fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main, report
from engine.core.errors import Unavailable
from engine.spatial.layers import LayersRequest


def ran(out: Path, *more: str) -> int:
    return main(["report", "--models", "starter-vit", "starter-cnn", "--data", "photos", "--out", str(out), *more])


@pytest.mark.usefixtures("own_store")
def test_it_computes_what_is_missing_and_writes_all_claims(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    assert ran(out, "--json") == 0
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert [each["claim"] for each in facts["claims"]][2] == "position" and len(facts["claims"]) == 7
    assert facts["data"] == "photos" and facts["clip"] == "starter-clip" and facts["out"] == str(out)
    assert "2 of 2 measurements are to be computed first: under a minute on two cores." in printed.err
    assert "1 of 2: Position by layer of starter-vit" in printed.err
    page = out.read_text()
    assert "takes 26" in page and "neither masks nor boxes" in page and page.count("<section") == 7
    assert ran(out) == 0 and "to be computed" not in capsys.readouterr().err, "a second time all is there"


@pytest.mark.usefixtures("own_store")
def test_a_measurement_that_fails_is_said_and_the_rest_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(self: LayersRequest, context: object) -> None:
        raise Unavailable("The memory is full.")

    monkeypatch.setattr(LayersRequest, "run", fails)
    assert ran(tmp_path / "report.html", "--json") == 0
    (told,) = [each for each in json.loads(capsys.readouterr().out)["claims"] if each["claim"] == "position"]
    assert told["verdict"] == "cannot be told here" and "The memory is full." in told["sentence"]


def test_what_cannot_be_written_is_refused_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(tmp_path) == 2 and "it is a folder" in capsys.readouterr().err
    assert ran(tmp_path / "nowhere" / "report.html") == 2 and "its folder is not there" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_to_the_end_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report.html"
    out.write_text("the former one")
    monkeypatch.setattr(report.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("The disk is full")))
    with pytest.raises(OSError, match="full"):
        report.write(out, "half of")
    assert out.read_text() == "the former one" and [each.name for each in tmp_path.iterdir()] == ["report.html"]
    monkeypatch.undo()
    report.write(out, "the new one")
    assert out.read_text() == "the new one" and len([*tmp_path.iterdir()]) == 1


def test_a_link_to_a_report_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to(tmp_path / "report.html")
    report.write(tmp_path / "link.html", "new")
    assert (tmp_path / "link.html").is_symlink() and (tmp_path / "report.html").read_text() == "new"


def test_a_shipped_pair_brings_its_clip_and_its_images() -> None:
    from argparse import Namespace

    from engine.claims.order import REAL, STARTER
    from engine.cli.report import subject_of

    for pair in (STARTER, REAL):
        assert subject_of(Namespace(models=[pair.a, pair.b], clip=None, data=None)) == pair
        turned = subject_of(Namespace(models=[pair.b, pair.a], clip=None, data=None))
        assert (turned.a, turned.b, turned.clip, turned.data) == (pair.b, pair.a, pair.clip, pair.data)
    turned = subject_of(Namespace(models=["starter-cnn"], clip="starter-clip", data="photos"))
    assert (turned.b, turned.clip, turned.data) == ("", "starter-clip", "photos")


def test_three_models_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--models", "starter-vit", "starter-cnn", "starter-clip"]) == 2
    assert "about two models" in capsys.readouterr().err
