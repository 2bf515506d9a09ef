"""Uploads belong to whoever gave them: counted, listed, and gone with their last owner, with what was made of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cache.blob import Blob
from engine.core import config
from engine.core.errors import BadRequest, Forbidden, Unavailable
from engine.core.images import to_png
from engine.data import belongings, uploads
from engine.people import audit
from engine.people.person import LOCAL, Person

ANN, BOB = Person("ann", role="member"), Person("bob", role="member")


@pytest.fixture(autouse=True)
def folder(own_store: Path) -> Path:
    return own_store / "uploads"


def png(shade: int, side: int = 8) -> bytes:
    return to_png(np.full((side, side, 3), shade, np.uint8))


def test_a_person_sees_what_they_uploaded_and_nobody_elses() -> None:
    first = uploads.keep_image(png(1), "cat.png", ANN)
    uploads.keep_words(b"one\ntwo\n", "words.txt", ANN)
    uploads.keep_image(png(2), "dog.png", BOB)
    assert [(each.kind, each.name) for each in belongings.stored(ANN)] == [
        ("words", "words.txt"),
        ("images", "cat.png"),
    ]
    assert belongings.stored(ANN)[1].digest == first and belongings.stored(Person("eve")) == []


def test_nobody_removes_what_is_not_theirs() -> None:
    digest = uploads.keep_image(png(1), "cat.png", ANN)
    for person, kind, name in ((BOB, "images", digest), (ANN, "vectors", digest), (ANN, "images", "../../secret")):
        with pytest.raises(BadRequest, match="You have no such file here"):
            belongings.remove(person, kind, name)
    assert uploads.image(digest).shape == (8, 8, 3)


def test_the_same_file_of_two_goes_with_the_last() -> None:
    digest = uploads.keep_image(png(1), "cat.png", ANN)
    assert uploads.keep_image(png(1), "mine.png", BOB) == digest
    assert not belongings.remove(ANN, "images", digest)
    assert belongings.stored(ANN) == [] and uploads.image(digest).any()
    assert belongings.remove(BOB, "images", digest)
    with pytest.raises(Unavailable):
        uploads.image(digest)


def test_of_two_who_bring_the_same_at_once_both_own_it(monkeypatch: pytest.MonkeyPatch) -> None:
    write, second = uploads._write, threading.Thread(target=lambda: uploads.keep_image(png(1), "his.png", BOB))

    def while_another_comes(path: Path, file: bytes) -> None:
        write(path, file)
        second.start()
        second.join(0.5)

    monkeypatch.setattr(uploads, "_write", while_another_comes)
    uploads.keep_image(png(1), "hers.png", ANN)
    second.join(30)
    assert [[each.name for each in belongings.stored(person)] for person in (ANN, BOB, LOCAL)] == [
        ["hers.png"],
        ["his.png"],
        [],
    ]


def test_a_file_that_is_there_already_counts_for_whoever_brings_it_too(configured: Callable[..., None]) -> None:
    configured(limits={"upload_bytes_per_person": "1 MiB"})
    noise = to_png(np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8))
    uploads.keep_image(noise, "noise.png")  # of whoever sits at the machine, who has its disk
    with pytest.raises(BadRequest, match="Your files would take more than"):
        uploads.keep_image(noise, "noise.png", BOB)
    assert belongings.stored(BOB) == [] and len(belongings.stored(LOCAL)) == 1


def test_giving_up_a_file_that_others_have_too_is_noted_down(configured: Callable[..., None]) -> None:
    configured(access={"audit": True})
    digests = {uploads.keep_image(png(1), "cat.png", person) for person in (ANN, BOB)}
    (digest,) = digests
    assert not belongings.remove(ANN, "images", digest)
    first = next(audit.lines())
    assert (first["person"], first["did"], first["outcome"], first["digest"]) == ("ann", "delete", "done", digest)


def test_what_was_made_of_a_file_goes_with_it_and_nothing_else(folder: Path) -> None:
    digest = uploads.keep_image(png(1), "cat.png", ANN)
    for key, image in (("a", f"up-{digest}"), ("b", "17"), ("c", f"invert:up-{digest}")):
        config.store().put(key, Blob(facts={"request": {"experiment": "x", "image": image}, "facts": {}}))
    belongings.remove(ANN, "images", digest)
    assert [entry.key for entry in config.store().entries()] == ["b"] and [*(folder / "images").iterdir()] == []


def test_a_viewer_uploads_nothing() -> None:
    with pytest.raises(Forbidden, match="You may not upload files here"):
        uploads.keep_image(png(1), "cat.png", Person("vic", role="viewer"))


def test_so_many_files_and_so_many_bytes_and_no_more(configured) -> None:
    configured(limits={"uploads_per_person": 2, "upload_bytes_per_person": "1 MiB"})
    for shade in range(2):
        uploads.keep_image(png(shade), "a.png", ANN)
    with pytest.raises(BadRequest, match="You have 2 files stored here, which is the most"):
        uploads.keep_image(png(9), "a.png", ANN)
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    with pytest.raises(BadRequest, match="Your files would take more than"):
        uploads.keep_image(to_png(noise), "noise.png", BOB)
    belongings.remove(ANN, "images", belongings.stored(ANN)[0].digest)
    uploads.keep_image(png(9), "a.png", ANN)
    for shade in range(3):
        uploads.keep_image(png(shade), "a.png")  # whoever sits at the machine


def test_what_nobody_uses_is_deleted_after_the_stated_time(configured, folder: Path) -> None:
    configured(limits={"upload_days": 30})
    old, used = (uploads.keep_image(png(shade), "a.png", ANN) for shade in (1, 2))
    for digest in (old, used):
        long_ago = time.time() - 31 * belongings.DAY
        os.utime(folder / "images" / f"{digest}.png", (long_ago, long_ago))
    uploads.image(used)
    assert belongings.remove_old() == 1 and [each.digest for each in belongings.stored(ANN)] == [used]
    configured(limits={"upload_days": 0})
    assert belongings.remove_old() == 0


def test_what_was_kept_before_there_were_owners_is_whoevers_sits_at_the_machine(folder: Path) -> None:
    digest = uploads.keep_image(png(1), "cat.png", ANN)
    (folder / "images" / f"{digest}{belongings.SUFFIX}").unlink()
    assert belongings.stored(ANN) == [] and [each.digest for each in belongings.stored(LOCAL)] == [digest]


def test_a_damaged_list_of_owners_gives_nobody_the_file(folder: Path) -> None:
    digest = uploads.keep_image(png(1), "cat.png", ANN)
    (folder / "images" / f"{digest}{belongings.SUFFIX}").write_text("[")
    assert belongings.stored(ANN) == belongings.stored(LOCAL) == []


def test_a_folder_of_uploads_that_machines_share_is_read_by_each(
    configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(cluster={"uploads_folder": tmp_path / "shared"})
    digest = uploads.keep_image(png(7), "cat.png")
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "of another machine"))
    config.settings.cache_clear()
    assert uploads.image(digest).max() == 7 and [each.digest for each in belongings.stored(LOCAL)] == [digest]
    configured()
    with pytest.raises(Unavailable, match="is not on this machine"):
        uploads.image(digest)
