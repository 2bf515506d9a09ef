"""A collection as one file and back; files that somebody made to do harm."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cache import pictures
from cache.blob import HEADER_BYTES, Blob
from engine.core import config
from engine.core.errors import BadRequest, RefusedFile
from engine.jobs.keys import stored_key
from engine.people.person import LOCAL
from engine.sharing import bundle, collections
from engine.sharing.bundle import LIST
from tests.engine.sharing.conftest import ANNA, BEN, KEY, stored, unit


def made() -> bytes:
    """A file with a collection of two items and one result."""
    stored()
    mine = collections.create(ANNA, "Round things", "What is *round*")
    collections.add(mine.id, ANNA, [unit(1), unit(2, results=(), picture=None)], ["a note", ""])
    return bundle.export(collections.find(mine.id, ANNA))


def changed(data: bytes, change: Callable[[dict[str, bytes]], None], how: int = zipfile.ZIP_STORED) -> bytes:
    """The same file with its parts changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    change(parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return buffer.getvalue()


def blob_of(parts: dict[str, bytes]) -> str:
    return next(name for name in parts if name.endswith(".blob"))


def test_an_operator_brings_a_collection_to_another_server_with_its_results() -> None:
    data = made()
    place = next(iter(config.store().pins()))
    was = config.store().get(place)
    config.store().delete(place)
    taken = bundle.import_(data, LOCAL)
    kept = collections.items(taken.collection)
    assert (taken.collection.title, taken.collection.about, taken.results) == ("Round things", "What is *round*", 1)
    assert [(each.item.title, each.note) for each in kept] == [("Unit 1", "a note"), ("Unit 2", "")]
    again = config.store().get(place)
    assert was is not None and again is not None and again.to_bytes() == was.to_bytes()
    assert place in config.store().pins(taken.collection.id)


def test_the_same_collection_gives_the_same_file_whenever_it_is_exported() -> None:
    data = made()
    assert bundle.export(collections.mine(ANNA)[0]) == data
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert {part.date_time for part in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {part.external_attr >> 16 for part in file.infolist()} == {0o600}


def test_nobody_elses_file_says_what_a_request_gives() -> None:
    """A result of a stranger's file must not be found by those who ask for the same."""
    data = made()

    def forge(parts: dict[str, bytes]) -> None:
        blob = Blob.from_bytes(parts[blob_of(parts)])
        blob.arrays["images"][:] = 255
        parts[blob_of(parts)] = blob.to_bytes()

    place = next(iter(config.store().pins()))
    config.store().delete(place)
    taken = bundle.import_(changed(data, forge), BEN)
    assert config.store().get(place) is None
    (first, _) = collections.items(taken.collection)
    assert first.item.picture is not None
    own = first.item.picture.key
    assert own.startswith(bundle.IMPORTED) and first.item.results == (own,)
    assert config.store().get(own) is not None and own in config.store().pins(taken.collection.id)


def test_what_is_the_very_same_is_not_stored_twice() -> None:
    data = made()
    before = config.store().stats()["entries"]
    taken = bundle.import_(data, BEN)
    assert config.store().stats()["entries"] == before
    assert collections.items(taken.collection)[0].item.results == (KEY,)


def pair() -> Blob:
    """A result with two pictures, which the store packs."""
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    return Blob({"images": images}, {}, {"request": {"experiment": "visualize", "units": [1, 2]}, "facts": {}})


def with_pair(packed: bool) -> bytes:
    """A file with that result, as it is exported (or was, while pictures were exported packed)."""

    def change(parts: dict[str, bytes]) -> None:
        parts[blob_of(parts)] = pair().to_bytes(packed=packed)

    return changed(made(), change)


def test_pictures_of_several_units_come_back_to_the_bit() -> None:
    config.store().put(stored_key(KEY), pair())
    mine = collections.create(ANNA, "Two units")
    collections.add(mine.id, ANNA, [unit(1)])
    data = bundle.export(collections.find(mine.id, ANNA))
    assert bundle.import_(data, BEN).results == 1 and config.store().stats()["entries"] == 1, "the very same"
    config.store().delete(stored_key(KEY))
    (kept,) = collections.items(bundle.import_(data, BEN).collection)
    again = config.store().get(kept.item.results[0])
    assert again is not None and (again.arrays["images"] == pair().arrays["images"]).all()


def test_what_comes_with_packed_pictures_is_kept_in_its_full_size() -> None:
    (kept, _) = collections.items(bundle.import_(with_pair(packed=True), BEN).collection)
    data = config.store().get_bytes(kept.item.results[0])
    assert data == pair().to_bytes(packed=False)
    (same, _) = collections.items(bundle.import_(with_pair(packed=False), BEN).collection)
    assert same.item.results == kept.item.results


def test_packed_pictures_that_would_grow_too_large_are_refused_and_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def double(parts: dict[str, bytes]) -> None:
        parts["results/other.blob"] = parts[blob_of(parts)]

    data, size = with_pair(packed=True), pair().arrays["images"].nbytes
    monkeypatch.setattr(bundle, "MOST_UNPACKED", size)
    assert bundle.import_(data, BEN).results == 1
    with pytest.raises(RefusedFile):
        bundle.import_(changed(data, double), BEN)
    monkeypatch.setattr(bundle, "MOST_UNPACKED", size - 1)
    unpacked: list[object] = []
    monkeypatch.setattr(pictures, "unpacked", lambda *told: unpacked.append(told))
    with pytest.raises(RefusedFile):
        bundle.import_(data, BEN)
    assert unpacked == []


@pytest.mark.parametrize(
    "packing",
    [
        3,
        [],
        {"shape": ["a", 1 << 30, 1, 3], "ends": [1]},
        {"shape": [2, -32, -32, 3], "ends": [1, 2]},
        {"shape": [1] * 100_000 + [32, 32, 3], "ends": [1]},
        {"shape": [1, 1 << 20, 1 << 20, 3], "ends": [1]},
        {"shape": [2, 32, 32, 3], "ends": [1]},
    ],
)
def test_packed_pictures_that_say_nonsense_of_themselves_are_refused(
    packing: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "packed", lambda array: (array.reshape(-1), packing))
    data = with_pair(packed=True)
    monkeypatch.undo()
    with pytest.raises(RefusedFile, match="not whole"):
        bundle.import_(data, BEN)


def deep(parts: dict[str, bytes]) -> None:
    parts[LIST] = b"[" * 100_000


def without_list(parts: dict[str, bytes]) -> None:
    del parts[LIST]


def longest(parts: dict[str, bytes]) -> None:
    parts[LIST] = b" " * (bundle.MOST_LIST + 1)


def crooked(text: str) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        facts = json.loads(parts[LIST])
        facts["items"][0]["item"] |= json.loads(text)
        parts[LIST] = json.dumps(facts).encode()

    return change


def another(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[name] = b"x"

    return change


def spoiled(parts: dict[str, bytes]) -> None:
    name = blob_of(parts)
    parts[name] = parts[name][:-1] + bytes([parts[name][-1] ^ 1])


def other_blob(parts: dict[str, bytes]) -> None:
    parts[blob_of(parts)] = Blob({"x": np.zeros(3)}, facts={"request": 3, "facts": []}).to_bytes()


def bomb(parts: dict[str, bytes]) -> None:
    rows = pd.DataFrame({name: np.zeros(6_000_000, np.int8) for name in "abcd"})
    parts[blob_of(parts)] = Blob({}, {"rows": rows}, {"request": {}, "facts": {}}).to_bytes()


def crooked_header(parts: dict[str, bytes]) -> None:
    name, header = blob_of(parts), b'{"__metadata__": "none"}'
    parts[name] = parts[name][:HEADER_BYTES] + len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    "change",
    [
        without_list,
        deep,
        longest,
        crooked('{"page": "http://elsewhere.example"}'),
        crooked('{"kind": "script"}'),
        crooked('{"results": ["../../etc/passwd"]}'),
        crooked('{"title": ""}'),
        crooked('{"more": 1}'),
        another("../../etc/cron.d/x"),
        another("/etc/passwd"),
        another("results/../../x.blob"),
        another("results/a/b.blob"),
        another("other.txt"),
        spoiled,
        other_blob,
        bomb,
        crooked_header,
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_whole(change: Callable[[dict[str, bytes]], None]) -> None:
    data = changed(made(), change)
    before, entries = len(collections.mine(BEN)), config.store().stats()["entries"]
    with pytest.raises(RefusedFile, match="not a collection that Vitrine wrote"):
        bundle.import_(data, BEN)
    assert len(collections.mine(BEN)) == before and config.store().stats()["entries"] == entries


def test_results_that_are_compressed_are_not_unpacked() -> None:
    with pytest.raises(RefusedFile, match="compressed"):
        bundle.import_(changed(made(), lambda parts: None, zipfile.ZIP_DEFLATED), BEN)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip file", zlib.compress(b"x" * 100)])
def test_what_is_no_zip_file_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedFile, match="no whole ZIP file"):
        bundle.import_(data, BEN)


def test_cut_anywhere_it_is_refused(tmp_path: Path) -> None:
    data = made()
    for end in range(0, len(data), max(1, len(data) // 40)):
        with pytest.raises(RefusedFile):
            bundle.import_(data[:end], BEN)


def test_more_than_a_person_may_keep_is_refused_before_anything_is_stored(configured: Callable[..., None]) -> None:
    configured(sharing={"kept_bytes": 1 << 20})
    stored(side=700)
    mine = collections.create(LOCAL, "Large")
    with pytest.raises(BadRequest, match="allowed"):
        collections.add(mine.id, LOCAL, [unit(1)])
    configured()
    collections.add(mine.id, LOCAL, [unit(1)])
    data = bundle.export(collections.find(mine.id, LOCAL))
    configured(sharing={"kept_bytes": 1 << 20})
    with pytest.raises(BadRequest, match="are allowed here"):
        bundle.import_(data, BEN)
    assert collections.mine(BEN) == []
