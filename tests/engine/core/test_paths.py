"""Paths that people type: what cannot be one is refused in a sentence, and names are shown so that they can be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cli import main
from engine.core.errors import BadRequest
from engine.core.paths import brief, readable, typed_path, whole, without_folders

UNUSABLE = {"~nosuchperson/x": "home folder", "x" * 300: "too long", "": "empty text"}
ADDRESS = ("visualize", "starter-cnn@stem:0")
OPTIONS = [
    ("index", "--model", "starter-cnn", "--site", "stem", "--data"),
    (*ADDRESS, "--out"),
    (*ADDRESS, "--start"),
    (*ADDRESS, "--direction"),
    (*ADDRESS, "--match"),
    ("concepts", "--model", "starter-clip", "--text", "a cat", "--vocabulary"),
    ("cache", "export"),
    ("cache", "import"),
]


def test_a_home_folder_is_found_and_what_is_not_there_is_a_path_all_the_same(tmp_path: Path) -> None:
    assert typed_path("~/photos") == Path.home() / "photos"
    assert typed_path(str(tmp_path / "none")) == tmp_path / "none"


@pytest.mark.parametrize(("text", "words"), [*UNUSABLE.items(), ("a\0b", "no path may have"), (" ", "empty text")])
def test_what_cannot_be_a_path_is_refused_in_one_short_sentence(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        typed_path(text)
    assert len(str(caught.value)) < 160 and "\0" not in str(caught.value)


def test_names_that_are_not_utf8_can_be_read_and_told_apart() -> None:
    assert readable(os.fsdecode(b"bad\xff \xc3\xa9.png")) == "bad\\xff é.png"


def test_what_is_shown_of_a_long_text_is_its_beginning_on_one_line() -> None:
    assert brief("short/name") == "short/name"
    assert brief("a\n" * 100) == "a\ufffd" * 39 + "a…"


@pytest.mark.parametrize("text", UNUSABLE)
@pytest.mark.parametrize("argv", OPTIONS, ids=lambda argv: argv[-1])
@pytest.mark.usefixtures("own_store")
def test_every_option_that_takes_a_path_refuses_what_cannot_be_one(
    argv: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, text]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and len(printed.err) < 200
    assert UNUSABLE[text] in printed.err


@pytest.mark.parametrize("argv", OPTIONS, ids=lambda argv: argv[-1])
@pytest.mark.usefixtures("own_store")
def test_a_long_path_is_not_repeated_whole(
    argv: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([*argv, str(tmp_path / "file" / Path("x/" * 1500))]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and len(printed.err) < 300


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It cannot be kept in /tmp/a/uploads: full.", "It cannot be kept in …/uploads: full."),
        ("“/tmp/b/my file.toml”, line 3", "“…/my file.toml”, line 3"),
        ("(/tmp/results) is full", "(…/results) is full"),
        (
            "See https://x.org/tmp/a/b, /nowhere/like/this and 3/4 of a/b.",
            "See https://x.org/tmp/a/b, /nowhere/like/this and 3/4 of a/b.",
        ),
    ],
)
def test_a_visitor_is_not_told_where_things_lie(text: str, told: str) -> None:
    assert without_folders(text) == told


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    for text in ("first", "second"):
        with whole(path) as partial:
            partial.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    with pytest.raises(RuntimeError), whole(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    with pytest.raises(OSError), whole(tmp_path / "nowhere" / "kept.json") as partial:
        partial.write_text("half")
    assert path.read_text() == "second" and [*tmp_path.iterdir()] == [path]
