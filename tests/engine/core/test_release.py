"""Which Vitrine runs, and since when."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core import release


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VITRINE_COMMIT", raising=False)
    release.commit.cache_clear()
    yield
    release.commit.cache_clear()


def test_the_commit_is_read_from_a_clone_however_git_keeps_it(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    full = "0123456789abcdef" * 2 + "01234567"
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert release.commit(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{full} refs/heads/main\n")
    release.commit.cache_clear()
    assert release.commit(tmp_path) == full[:10]
    (git / "refs" / "heads" / "main").write_text("f" * 40)
    release.commit.cache_clear()
    assert release.commit(tmp_path) == "f" * 10
    (git / "HEAD").write_text(full)
    release.commit.cache_clear()
    assert release.commit(tmp_path) == full[:10]


def test_an_image_without_history_is_told_its_commit_and_nothing_else_passes_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert release.commit(tmp_path) is None
    monkeypatch.setenv("VITRINE_COMMIT", "abcdef0123456789")
    release.commit.cache_clear()
    assert release.commit(tmp_path) == "abcdef0123"
    monkeypatch.setenv("VITRINE_COMMIT", "<script>")
    release.commit.cache_clear()
    assert release.commit(tmp_path) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3660, "1 h 1 min"),
        (90000, "1 day 1 h"),
        (260000, "3 days 0 h"),
        (-5, "0 s"),
    ],
)
def test_uptime_is_said_in_words(seconds: int, words: str) -> None:
    assert release.uptime(release.STARTED + seconds) == words
