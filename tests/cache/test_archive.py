"""Results travel in one ZIP file, and such a file from a stranger can do no harm."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cache import archive
from cache.blob import Blob, DamagedBlob
from cache.store import ResultStore


@pytest.fixture
def other(tmp_path: Path) -> Iterator[ResultStore]:
    opened = ResultStore(tmp_path / "other" / "results", limit_bytes=1 << 20)
    yield opened
    opened.close()


def test_results_arrive_whole_and_with_their_requests(
    store: ResultStore, other: ResultStore, tmp_path: Path, blob_of: Callable
) -> None:
    for number in range(3):
        store.put(f"k{number}", blob_of(number))
    assert archive.export(store, tmp_path / "out.zip") == 3
    assert archive.import_(other, tmp_path / "out.zip") == 3
    assert archive.import_(other, tmp_path / "out.zip") == 0  # all there already
    arrived = {entry.key: entry for entry in other.entries()}
    assert arrived.keys() == {"k0", "k1", "k2"}
    for there in store.entries():
        here = arrived[there.key]
        assert (there.facts_request, there.bytes) == (here.facts_request, here.bytes)
        found = other.get(there.key)
        assert found is not None and found.to_bytes() == blob_of(int(there.key[1])).to_bytes()


def test_a_packed_file_is_smaller_and_its_results_are_the_same(
    store: ResultStore, other: ResultStore, tmp_path: Path
) -> None:
    images = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None], (1, 64, 64, 3)).copy()
    store.put("k", Blob({"images": images}, facts={"request": {"a": 1}}))
    archive.export(store, tmp_path / "plain.zip")
    archive.export(store, tmp_path / "packed.zip", packed=True)
    assert (tmp_path / "packed.zip").stat().st_size < 0.3 * (tmp_path / "plain.zip").stat().st_size
    assert archive.import_(other, tmp_path / "packed.zip") == 1
    found = other.get("k")
    assert found is not None and found.to_bytes() == store.get("k").to_bytes()


def test_chosen_results_are_exported_and_missing_or_damaged_ones_are_named(
    store: ResultStore, tmp_path: Path, blob_of: Callable
) -> None:
    for number in range(3):
        store.put(f"k{number}", blob_of(number))
    damaged = next(p for p in store.folder.glob("??/*.val") if p.read_bytes() == blob_of(1).to_bytes())
    damaged.write_bytes(b"x")
    assert archive.export(store, tmp_path / "out.zip", ["k1", "k2", "nobody"]) == 1
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == ["k2.blob"]
    told = " ".join(store.problems())
    assert "k1 was not exported" in told and "nobody was not exported" in told


def test_members_that_are_no_results_are_left_out_and_nothing_is_written_elsewhere(
    other: ResultStore, tmp_path: Path, blob_of: Callable
) -> None:
    good = blob_of(1).to_bytes()
    names = [
        "../../escaped.blob",
        "/tmp/escaped.blob",
        "a/b.blob",
        "..\\escaped.blob",
        ".blob",
        "k.txt",
        "lease/x.blob",
    ]
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as file:
        for name in names:
            file.writestr(name, good)
        file.writestr("cut.blob", good[:-1])
        file.writestr("changed.blob", good[:-1] + b"\x00")
        file.writestr("bomb.blob", b"\0" * 100_000_000, zipfile.ZIP_DEFLATED)
        file.writestr("large.blob", blob_of(1, 1 << 20).to_bytes())
        file.writestr("good.blob", good)
    before = {path for path in tmp_path.rglob("*") if "results" not in path.parts}
    assert archive.import_(other, tmp_path / "hostile.zip") == 1
    assert [entry.key for entry in other.entries()] == ["good"]
    assert len(other.problems()) == len(names) + 4
    assert {path for path in tmp_path.rglob("*") if "results" not in path.parts} == before


def test_a_member_never_replaces_a_result_that_is_here(store: ResultStore, tmp_path: Path, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as file:
        file.writestr("a.blob", blob_of(2).to_bytes())
    assert archive.import_(store, tmp_path / "in.zip") == 0
    found = store.get("a")
    assert found is not None and found.arrays["x"][0] == 1


def test_a_file_that_is_no_zip_or_is_cut_is_refused(store: ResultStore, tmp_path: Path, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    archive.export(store, tmp_path / "out.zip")
    cut = (tmp_path / "out.zip").read_bytes()[:-30]
    for data in (b"not a zip", cut, b""):
        (tmp_path / "in.zip").write_bytes(data)
        with pytest.raises(DamagedBlob, match="not a ZIP file"):
            archive.import_(store, tmp_path / "in.zip")


def test_a_flipped_byte_inside_the_zip_is_noticed(
    store: ResultStore, other: ResultStore, tmp_path: Path, blob_of: Callable
) -> None:
    store.put("a", blob_of(1))
    archive.export(store, tmp_path / "out.zip")
    data = bytearray((tmp_path / "out.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "out.zip").write_bytes(data)
    assert archive.import_(other, tmp_path / "out.zip") == 0 and "a.blob" in other.problems()[0]


def test_an_export_that_fails_leaves_no_half_file(
    store: ResultStore, tmp_path: Path, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", blob_of(1))
    (tmp_path / "out.zip").write_bytes(b"an older export")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(OSError, match="No space"):
        archive.export(store, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == b"an older export"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_comes_with_vitrine_is_taken_in_once_and_comes_back_when_it_was_removed(
    store: ResultStore, other: ResultStore, tmp_path: Path, blob_of: Callable
) -> None:
    for number in range(3):
        store.put(f"k{number}", blob_of(number))
    archive.export(store, tmp_path / "shipped.zip", packed=True, compressed=True)
    other.limit_bytes = 1 << 26
    assert [archive.bring(other, tmp_path / "shipped.zip") for _ in range(2)] == [3, 0]
    other.delete("k1")
    assert archive.bring(other, tmp_path / "shipped.zip") == 1 and other.get("k1") is not None


def test_nothing_is_brought_into_a_store_that_is_small_beside_it_nor_from_a_file_that_is_not_there(
    store: ResultStore, tmp_path: Path, blob_of: Callable
) -> None:
    store.put("k", blob_of(1))
    archive.export(store, tmp_path / "shipped.zip")
    assert archive.bring(store, tmp_path / "elsewhere.zip") == 0 and not store.problems()
    size = (tmp_path / "shipped.zip").stat().st_size
    for limit, taken in ((archive.ROOM * size - 1, 0), (archive.ROOM * size, 1)):
        small = ResultStore(tmp_path / f"of-{limit}", limit_bytes=limit)
        assert archive.bring(small, tmp_path / "shipped.zip") == taken
        small.close()


def test_a_damaged_file_of_shipped_results_is_reported_and_raises_nothing(store: ResultStore, tmp_path: Path) -> None:
    (tmp_path / "shipped.zip").write_bytes(b"no zip")
    assert archive.bring(store, tmp_path / "shipped.zip") == 0
    assert "come with Vitrine" in store.problems()[0]


@pytest.mark.parametrize(
    "changes", [{6: 0xFF}, {9: 0x08, 46: 0xFF}], ids=["a version of ZIP that is not there", "a name that is no text"]
)
def test_a_few_changed_bytes_in_the_zips_list_of_contents_are_a_damaged_file(
    store: ResultStore, other: ResultStore, tmp_path: Path, blob_of: Callable, changes: dict[int, int]
) -> None:
    store.put("a", blob_of(1))
    archive.export(store, tmp_path / "in.zip")
    data = bytearray((tmp_path / "in.zip").read_bytes())
    for place, value in changes.items():
        data[data.rindex(b"PK\x01\x02") + place] = value
    (tmp_path / "in.zip").write_bytes(data)
    other.limit_bytes = 1 << 26
    assert archive.bring(other, tmp_path / "in.zip") == 0 and "come with Vitrine" in other.problems()[0]
    with pytest.raises(DamagedBlob, match="not a ZIP file"):
        archive.import_(other, tmp_path / "in.zip")


def test_a_compressed_file_is_taken_in_as_what_comes_with_vitrine_and_from_nobody_else(
    store: ResultStore, other: ResultStore, tmp_path: Path
) -> None:
    store.put("k", Blob({"numbers": np.zeros(50_000)}, facts={"request": {"a": 1}}))
    archive.export(store, tmp_path / "small.zip", compressed=True)
    assert (tmp_path / "small.zip").stat().st_size < 4_000
    assert archive.import_(other, tmp_path / "small.zip") == 0 and "compressed" in other.problems()[0]
    assert archive.bring(other, tmp_path / "small.zip") == 1
    found = other.get("k")
    assert found is not None and not found.arrays["numbers"].any()
