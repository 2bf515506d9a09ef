"""Progress on a terminal and in a file, and a result that cannot be stored."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from engine.cli import main
from engine.cli.asking import Bar
from engine.core.request import Progress

MODEL = "starter-cnn"


def test_a_result_that_cannot_be_stored_is_said_in_words_for_the_command_line(
    own_store: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_store / "results").write_text("a file where the folder should be")
    assert main(["index", "--model", MODEL, "--site", "stem", "--data", str(photos)]) == 0
    said = capsys.readouterr().err
    assert "could not be stored" in said and "--out" in said and "Download" not in said


def test_a_plain_stream_gets_few_lines_and_a_terminal_one_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    plainly, terminal = io.StringIO(), Terminal()
    for stream in (plainly, terminal):
        bar = Bar(stream)
        for step in range(100):
            bar.show(Progress(step, 100, "Making pictures"))
        bar.close()
    assert plainly.getvalue() == f"[{' ' * 24}]   0% Making pictures\n"
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
