"""The command: names and units as JSON for scripts, a table for people, one line for what cannot be carried out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.cli import main
from engine.cli.arguments.commands import parser
from engine.core import config
from tests.conftest import forget_settings

SITE = "blocks.1.mlp.hidden"
CLIP = ("--model", "local/clip", "--reader", "local/clip", "--data", "squares", "--vocabulary", "few")
WORDS = ("red square", "green field", "nothing", "night", "sea", "stripes")


@pytest.fixture(autouse=True)
def few_words(person: Path) -> None:
    """A vocabulary of the settings with six words: reading thousands is no part of these tests."""
    (person / "few.txt").write_text("\n".join(WORDS), encoding="utf-8")
    with (person / "vitrine.toml").open("a") as file:
        file.write('[vocabularies]\nfew = "few.txt"\n')
    forget_settings(config)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], person: Path) -> Callable[..., dict[str, Any]]:
    def asked(*argv: str) -> dict[str, Any]:
        capsys.readouterr()
        code = main(["concepts", *argv, "--json"])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert printed.out.count("\n") == 1
        return json.loads(printed.out, parse_constant=pytest.fail)

    return asked


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], person: Path) -> Callable[..., str]:
    def said(*argv: str) -> str:
        capsys.readouterr()
        assert main(["concepts", *argv]) == 2
        printed = capsys.readouterr()
        assert not printed.out and printed.err.count("\n") == 1
        return printed.err

    return said


def test_units_are_named_with_the_words_of_a_file_and_stored(ask, person):
    (person / "words.txt").write_text("\n".join(WORDS[:3]), encoding="utf-8")
    options = (*CLIP, "--site", SITE, "--vocabulary", str(person / "words.txt"), "--name-units", "--top", "2")
    facts = ask(*options)
    assert [unit["unit"] for unit in facts["units"][:2]] == [f"local/clip@{SITE}:0", f"local/clip@{SITE}:1"]
    first = facts["units"][0]
    tested = {"held_out", "low", "high", "p", "p_twin", "p_directions", "p_shuffled"}
    assert set(first) == {"unit", "score", "words", "abstained"} | tested and len(facts["units"]) == 128
    assert facts["twin"] == "twin/local/clip" and facts["against"] == ["twin", "directions", "shuffled"]
    assert set(facts["rates"]) == set(facts["against"]) and "false discovery rate" in facts["sentence"]
    assert first["score"] == first["words"][0]["score"] >= first["words"][1]["score"]
    assert {word["word"] for word in first["words"]} <= set(WORDS[:3])
    assert first["abstained"] == (first["p"] > facts["largest_p"])
    assert not facts["stored"] and ask(*options)["stored"]


def test_units_of_a_text_come_from_every_layer_with_what_else_they_follow(ask):
    facts = ask(*CLIP, "--text", "a red square on green", "--top", "200")
    assert facts["units"][0]["words_above"] == 0, "those that follow no word more come first"
    more = Counter(unit["words"][0]["word"] for unit in facts["units"] if unit["words_above"])
    assert 0 < len(facts["units"]) <= 200 and max(more.values()) <= 4 and facts["searched"] == 256
    assert {unit["unit"].rpartition(":")[0] for unit in facts["units"]} == {
        f"local/clip@blocks.{n}.mlp.hidden" for n in (0, 1)
    }
    assert set(facts["units"][0]) == {"unit", "score", "words", "abstained", "z", "rank", "words_above"}
    assert len(facts["units"][0]["words"]) == 5
    assert facts["sparse"]["address"].startswith("local/clip@blocks.")
    alone = ask(*CLIP, "--text", "a red square on green", "--site", SITE)
    assert 0 < len(alone["units"]) <= 24 and alone["searched"] == 128


def test_people_get_a_table_and_a_sentence(person, capsys):
    assert main(["concepts", *CLIP, "--text", "snow"]) == 0
    text = capsys.readouterr().out
    assert "unit" in text and "best words" in text and "Combined: local/clip@blocks." in text


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((*CLIP, "--text", ""), "No text given"),
        ((*CLIP, "--text", "x" * 5000), "has 5,000 characters"),
        (("--text", "snow"), "No model given. Name one with --model"),
        ((*CLIP, "--name-units"), "No site given. Name one with --site"),
        ((*CLIP, "--name-units", "--site", "blocks.9.nose"), "no site “blocks.9.nose”"),
        (("--model", "local/clip", "--reader", "starter-cnn", "--text", "snow"), "starter-cnn has no text tower"),
        ((*CLIP, "--text", "snow", "--vocabulary", "klingon"), "There is no vocabulary “klingon”"),
        ((*CLIP, "--text", "snow", "--vocabulary", "squares/00.png"), "There is no vocabulary"),
        ((*CLIP, "--text", "snow", "--template", "nothing"), "a template has {} once"),
        (CLIP, "one of the arguments --text --name-units --purity is required"),
        ((*CLIP, "--text", "snow", "--purity"), "not allowed with argument --text"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line(refused, argv, says):
    assert says in refused(*argv)


def test_a_vocabulary_file_that_is_no_text_is_one_line(refused, person):
    assert "00.png is not UTF-8 text" in refused(
        *CLIP, "--text", "snow", "--vocabulary", str(person / "squares" / "00.png")
    )


def test_purity_has_a_command_of_its_own_behind_the_option():
    arguments = parser().parse_args(["concepts", "--purity", "--models", "starter-vit", "starter-clip"])
    assert arguments.command == "purity:purity" and arguments.models == ["starter-vit", "starter-clip"]
    assert arguments.role == "mlp.hidden" and arguments.data == "starter"


def test_words_of_units_are_swept_layer_by_layer_and_are_those_of_each_layer(ask, person, capsys, tmp_path):
    layers = ("blocks.0.mlp.hidden", SITE)
    options = (
        "--experiment",
        "name-units",
        "--data",
        "squares",
        "--set",
        "reader=local/clip",
        "--set",
        "vocabulary=few",
    )
    assert main(["sweep", "local/clip", "--sites", *layers, *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["done"], told["failed"]) == ("done", 2, {})
    assert main(["sweep", "--export", told["sweep"], "--out", str(tmp_path / "out")]) == 0
    numbers = pd.read_csv(tmp_path / "out" / "numbers.csv").set_index("address")
    for layer in layers:
        facts = ask(*CLIP, "--site", layer, "--name-units")
        assert facts["stored"], "the sweep has made it"
        mine = numbers.loc[[unit["unit"] for unit in facts["units"]]]
        assert mine["word"].tolist() == [unit["words"][0]["word"] for unit in facts["units"]]
        assert mine["p"].tolist() == pytest.approx([unit["p"] for unit in facts["units"]], rel=1e-5)
    assert len(numbers) == 2 * len(facts["units"])
