"""`make changed` runs the tests that a change touches, and says which it leaves out."""

from __future__ import annotations

import pytest

from tests import changed
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("cache/archive.py", {"tests/cache/test_archive.py", "tests/cache/test_disk.py"}),
        ("engine/sites/mlp.py", {"tests/engine/sites/test_access.py", "tests/engine/sites/test_every_architecture.py"}),
        ("engine/cli/answer.py", {"tests/engine/cli/test_answer.py", "tests/engine/cli/test_main.py"}),
        ("tests/engine/core/test_paths.py", {"tests/engine/core/test_paths.py"}),
        ("tests/sheet.py", {"tests/test_house.py"}),
        ("tests/cache/writer.py", set()),
        ("README.md", set()),
        ("engine/core/no_longer_there.py", set()),
        ("tests/engine/test_no_longer_there.py", set()),
    ],
)
def test_a_file_is_looked_at_by_its_mirror_and_by_what_imports_it(path: str, files: set[str]) -> None:
    chosen, more = changed.tests_of(path)
    assert files <= set(chosen) if files else chosen == []
    assert more == 0 and "tests/browser/test_rooms.py" not in chosen


def test_what_nearly_every_test_imports_is_looked_at_by_its_mirror_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert changed.named(["engine/core/config.py"]) == [changed.ALWAYS, "tests/engine/core/test_config.py"]
    assert "more test files import it" in capsys.readouterr().err


def test_each_test_file_is_named_once() -> None:
    chosen = changed.named(["cache/archive.py", "tests/cache/test_archive.py", changed.ALWAYS])
    assert len(chosen) == len(set(chosen)) and "tests/cache/test_archive.py" in chosen


def test_make_quick_names_what_there_is() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (line,) = (line for line in text.splitlines() if line.startswith("QUICK := "))
    assert [name for name in line.split()[2:] if not (ROOT / name).exists()] == []
