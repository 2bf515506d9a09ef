"""Whoever can write into the folder can spoil results, but cannot run code or reach other files."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import diskcache
import pytest

from cache import archive
from cache.blob import Blob
from cache.disk import BytesDisk, write_synced
from cache.store import ResultStore


class Payload:
    """Unpickling this makes a folder, which is how a test sees that it was unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "the-payload-ran"


def use_everything(store: ResultStore, keys: list[str], tmp_path: Path) -> None:
    """Every operation of the store that touches rows, then a new opening of the same folder."""
    for key in keys:
        store.get(key)
        store.has(key)
    store.entries()
    store.stats()
    archive.export(store, tmp_path / "out.zip")
    store.trim(0)
    with store.lease("planted"):
        pass
    reopened = ResultStore(store.folder)
    for key in keys:
        reopened.get(key)
        reopened.put(key, Blob())
        reopened.delete(key)
    reopened.close()


def test_the_payload_of_these_tests_does_run_when_it_is_unpickled(trace: Path) -> None:
    pickle.loads(pickle.dumps(Payload(trace)))
    assert trace.exists()


def test_plain_diskcache_runs_a_planted_payload_which_is_why_we_do_not_use_its_disk(
    store: ResultStore, sql: Callable, trace: Path
) -> None:
    sql("INSERT INTO Cache(key, raw, mode, value) VALUES ('planted', 1, 4, ?)", pickle.dumps(Payload(trace)))
    diskcache.Cache(str(store.folder)).get("planted")
    assert trace.exists()


def test_a_pickle_planted_as_a_value_is_never_loaded(
    store: ResultStore, sql: Callable, trace: Path, tmp_path: Path, blob_of: Callable
) -> None:
    payload = pickle.dumps(Payload(trace))
    store.put("good", blob_of(1))
    for mode in (0, 1, 2, 3, 4, 5, None):
        key = f"planted-{mode}"
        sql("INSERT INTO Cache(key, raw, store_time, mode, value, size) VALUES (?, 1, 1, ?, ?, 9)", key, mode, payload)
        assert store.get(key) is None
        assert any(key in problem for problem in store.problems())
    sql("INSERT INTO Cache(key, raw, store_time, mode, value) VALUES ('lease/planted', 1, 1, 4, ?)", payload)
    use_everything(store, [f"planted-{mode}" for mode in (1, 2, 3, 4)], tmp_path)
    assert not trace.exists()


def test_a_pickle_planted_as_a_key_is_never_loaded(
    store: ResultStore, sql: Callable, trace: Path, tmp_path: Path, blob_of: Callable
) -> None:
    store.put("good", blob_of(1))
    payload = pickle.dumps(Payload(trace))
    for raw in (0, 1, None):
        sql("INSERT INTO Cache(key, raw, store_time, mode, value) VALUES (?, ?, 1, 1, x'00')", payload, raw)
    sql("INSERT INTO Cache(key, raw, store_time, mode, value) VALUES ('text', 0, 1, 1, x'00')")
    assert [entry.key for entry in store.entries()] == ["good"]
    use_everything(store, ["text"], tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("mode", [2, 4])
def test_a_pickle_planted_in_a_file_is_never_loaded(
    store: ResultStore, sql: Callable, trace: Path, tmp_path: Path, blob_of: Callable, mode: int
) -> None:
    store.put("victim", blob_of(1))
    ((name,),) = sql("SELECT filename FROM Cache WHERE key = 'victim'")
    (store.folder / name).write_bytes(pickle.dumps(Payload(trace)))
    sql("UPDATE Cache SET mode = ? WHERE key = 'victim'", mode)
    assert store.get("victim") is None
    use_everything(store, ["victim"], tmp_path)
    assert not trace.exists()


def test_no_path_to_unpickling_is_left(
    store: ResultStore, sql: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blob_of: Callable
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    sql("INSERT INTO Cache(key, raw, store_time, mode, value) VALUES ('planted', 1, 1, 4, x'80')")
    store.put("good", blob_of(1))
    assert store.get("good") is not None
    use_everything(store, ["planted", "good"], tmp_path)


@pytest.mark.parametrize(
    "name", ["../secret.val", "../../etc/hostname", "/etc/hostname", "ab/../../secret.val", "cache.db", "", b"ab", 7]
)
def test_a_row_that_names_a_file_elsewhere_reads_and_removes_nothing(
    store: ResultStore, sql: Callable, tmp_path: Path, name: object, blob_of: Callable
) -> None:
    secret = tmp_path / "secret.val"
    secret.write_bytes(blob_of(9).to_bytes())
    store.put("victim", blob_of(1))
    sql("UPDATE Cache SET filename = ? WHERE key = 'victim'", name)
    assert store.get("victim") is None and not store.has("victim")
    assert any("victim" in problem for problem in store.problems())
    store.put("victim", blob_of(2))
    sql("UPDATE Cache SET filename = ? WHERE key = 'victim'", name)
    store.delete("victim")
    assert secret.exists() and Path("/etc/hostname").exists() and (store.folder / "cache.db").exists()


def test_links_and_special_files_under_a_proper_name_are_refused(
    store: ResultStore, sql: Callable, tmp_path: Path, blob_of: Callable
) -> None:
    (tmp_path / "secret").write_bytes(blob_of(9).to_bytes())
    (tmp_path / "elsewhere").mkdir()
    names = ["aa/" + "0" * 30 + ".val", "bb/" + "0" * 30 + ".val", "cc/" + "0" * 30 + ".val"]
    (store.folder / "aa").mkdir()
    (store.folder / names[0]).symlink_to(tmp_path / "secret")
    (store.folder / "bb").symlink_to(tmp_path / "elsewhere")
    (store.folder / names[1]).write_bytes(blob_of(9).to_bytes())
    (store.folder / "cc").mkdir()
    os.mkfifo(store.folder / names[2])  # opening it would wait for ever
    for name in names:
        store.put("victim", blob_of(1))
        sql("UPDATE Cache SET filename = ? WHERE key = 'victim'", name)
        assert store.get("victim") is None
        store.delete("victim")
    assert (tmp_path / "secret").exists() and (tmp_path / "elsewhere" / Path(names[1]).name).exists()


def test_only_text_keys_and_byte_values_go_in(tmp_path: Path) -> None:
    disk = BytesDisk(str(tmp_path), 100)
    for key in (b"k", 1, ("k",), None):
        with pytest.raises(TypeError):
            disk.put(key)
    for value in ("text", 1, None, bytearray(b"x"), {"a": 1}):
        with pytest.raises(TypeError):
            disk.store(value, False)
    with pytest.raises(TypeError):
        disk.store(io.BytesIO(b"x"), True)
    assert disk.fetch(*disk.store(b"x" * 500, False)[1:], False) == b"x" * 500


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    write_synced(tmp_path / "ab" / "one.val", b"first")
    with pytest.raises(FileExistsError):
        write_synced(tmp_path / "ab" / "one.val", b"second")
    assert (tmp_path / "ab" / "one.val").read_bytes() == b"first"
