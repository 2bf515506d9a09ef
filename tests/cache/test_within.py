"""Results that stand inside others: found under their own keys as long as the other is there, and not a moment longer."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache import within
from cache.blob import Blob
from cache.pieces import Pieces, Whole
from cache.store import ResultStore
from cache.within import Member


class Rows:
    """A result `rows` of n pictures holds those of its rows, `name-0` and so on."""

    def members(self, facts: Mapping[str, Any]) -> Mapping[str, Member]:
        request = facts["request"]
        return {f"{request['name']}-{row}": Member(str(row), request.get("replaces", False)) for row in range(4)}

    def cut(self, pieces: Pieces | Whole, how: str) -> Blob:
        return Blob({"image": pieces.row("images", int(how))}, facts={"row": int(how)})


@pytest.fixture(autouse=True)
def rows() -> Iterator[None]:
    before = [*within._KNOWS]
    within.learn(Rows())
    yield
    within._KNOWS[:] = before


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    opened = ResultStore(tmp_path / "results")
    yield opened
    opened.close()


def blob(name: str = "a", **more: Any) -> Blob:
    images = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), np.uint8)
    return Blob({"images": images}, facts={"request": {"name": name, **more}, "facts": {}})


def test_a_row_is_found_under_its_own_key(store: ResultStore) -> None:
    store.put("whole", blob())
    for row in range(4):
        found = store.get(f"a-{row}")
        assert found is not None and np.array_equal(found.arrays["image"], blob().arrays["images"][row])
        assert store.has(f"a-{row}") and store.inside(f"a-{row}") == "whole"
        data = store.get_bytes(f"a-{row}")
        assert data is not None and Blob.from_bytes(data).facts == {"row": row}
    assert store.get("a-4") is None and not store.has("a-4") and store.inside("a-4") == "a-4"
    assert [entry.key for entry in store.entries()] == ["whole"] and store.stats()["entries"] == 1


def test_what_is_known_is_what_has_a_row_or_stands_inside_another(store: ResultStore) -> None:
    store.put("whole", blob())
    store.put("b", Blob(facts={"request": {"name": "b"}}))
    assert set(store.known(["whole", "a-3", "a-4", "b", "c", "../odd"])) == {"whole", "a-3", "b"}
    assert not store.known([])


def test_bytes_that_came_from_elsewhere_count_alike_and_in_another_process(store: ResultStore) -> None:
    store.put_bytes("whole", blob().to_bytes(), {"name": "a"})
    other = ResultStore(store.folder)
    assert other.get("a-2") is not None
    other.close()


def test_a_row_goes_with_the_result_that_it_stands_in(store: ResultStore) -> None:
    store.put("whole", blob())
    store.delete("whole")
    assert store.get("a-1") is None and not store.has("a-1")
    assert store._shelf.read("in/a-1") is None, "nothing is left of it"
    store.put("whole", blob())
    store.put("newer", blob("b"))
    store.trim(1)
    assert store.get("a-1") is None and store.get("b-1") is not None


def test_a_result_of_its_own_is_taken_first_and_removed_where_it_is_not_needed_any_more(store: ResultStore) -> None:
    own = Blob(facts={"own": True})
    store.put("a-1", own)
    store.put("pinned", blob("p"))
    store.put("whole", blob())
    found = store.get("a-1")
    assert found is not None and found.facts == {"own": True}
    for key in ("b-1", "b-2"):
        store.put(key, own)
    store.pin("b-2")
    store.put("other", blob("b", replaces=True))
    replaced, kept = store.get("b-1"), store.get("b-2")
    assert replaced is not None and replaced.facts == {"row": 1}
    assert kept is not None and kept.facts == {"own": True}, "it is pinned"


def test_a_second_result_does_not_take_over_what_is_found(store: ResultStore) -> None:
    store.put("whole", blob())
    store.put("second", blob())
    assert store.inside("a-0") == "whole"


def test_pinning_a_row_keeps_the_result_that_it_stands_in(store: ResultStore) -> None:
    store.put("whole", blob())
    store.pin("a-3")
    store.put("newer", blob("b"))
    store.trim(1)
    assert store.get("a-3") is not None and store.pins() == {"a-3"}
    assert {entry.key for entry in store.entries() if entry.pinned} == {"whole"}


def test_a_damaged_file_damages_what_stands_in_it_and_is_told_once(store: ResultStore) -> None:
    store.put("whole", blob())
    (path,) = store.folder.glob("??/*.val")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    assert store.get("a-3") is None
    assert any("whole cannot be used" in problem for problem in store.problems())


class Unreadable(io.BytesIO):
    """A file on a disk that fails."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def no_more_files(*_: object) -> io.BytesIO:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("how", [{"open": no_more_files}, {"lstat": no_more_files}, {"open": lambda *_: Unreadable()}])
def test_an_error_of_the_system_that_passes_damages_nothing(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    store.put("whole", blob())
    with monkeypatch.context() as now:
        for name, fails in how.items():
            now.setattr(Path, name, fails)
        assert store.get("a-1") is None
    assert ["cannot be used: [Errno " in problem for problem in store.problems()] == [True]
    assert store.get("a-1") is not None and store.get("a-2") is not None and store.has("a-3")


def test_a_row_of_a_result_that_is_replaced_just_then_is_read_from_the_new_one(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("whole", blob())
    disk, again = store._shelf._disk, [True]
    path = disk.path

    def late(filename: object) -> Path:
        if again and again.pop():
            store.put("whole", blob())
        return path(filename)

    monkeypatch.setattr(disk, "path", late)
    assert store.get("a-1") is not None and not again and store.problems() == []


def test_a_row_of_a_result_that_is_replaced_while_it_is_read_is_read_to_the_end(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("whole", blob())
    cut = Rows.cut

    def slow(self: Rows, pieces: Pieces | Whole, how: str) -> Blob:
        store.put("whole", blob())
        return cut(self, pieces, how)

    monkeypatch.setattr(Rows, "cut", slow)
    assert store.get("a-1") is not None and store.problems() == []


def test_a_result_whose_file_is_gone_for_good_is_missing_with_all_that_stands_in_it(store: ResultStore) -> None:
    store.put("whole", blob())
    for path in store.folder.glob("??/*.val"):
        path.unlink()
    assert store.get("a-1") is None
    assert [problem for problem in store.problems() if problem.endswith("counts as missing: Its file is gone.")]


@pytest.mark.parametrize("value", [b"", b"x", b"\xff\xfe 1", b"../../etc 0", b"pin/x 0", b"whole ../x", b"whole 99"])
def test_a_line_that_says_anything_else_is_a_miss(store: ResultStore, value: bytes) -> None:
    store.put("whole", blob())
    store._shelf.write("in/strange", value)
    assert store.get("strange") is None


def test_a_result_counts_where_nobody_can_say_what_stands_in_it(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rows, "members", lambda self, facts: 1 / 0)
    store.put("whole", blob())
    assert store.get("whole") is not None and store.get("a-1") is None
