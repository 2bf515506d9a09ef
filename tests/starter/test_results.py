"""What comes with Vitrine to be seen at once is what today's pages ask for, small, and without a pixel of anybody's photos."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator

import pytest

from cache.blob import Blob
from engine.core.errors import VitrineError
from engine.core.paths import SHIPPED
from engine.core.request import Request
from engine.jobs.keys import request_key
from pages.sections.home.gallery import LIST
from starter.make import results

ANEW = "what comes along is stale: run `make results` and commit starter/results"


@pytest.fixture(scope="module")
def packed() -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(SHIPPED) as file:
        yield file


@pytest.fixture(scope="module")
def names(packed: zipfile.ZipFile) -> set[str]:
    """The stored keys of all results in it."""
    return {name.removesuffix(".blob") for name in packed.namelist()}


def keyed(wanted: Iterable[Request]) -> dict[str, Request]:
    """Requests by key; those of networks that are not installed here are left out."""
    found = {}
    for request in wanted:
        try:
            found[request.key()] = request
        except VitrineError:
            continue
    return found


def test_every_page_and_every_claim_finds_its_results(names: set[str]) -> None:
    there = {request_key(name) for name in names}
    try:
        everything = results.requests()
    except VitrineError as error:
        pytest.skip(f"one of the networks is not installed: {error}")
    wanted = keyed(request for request in everything if request.experiment not in results.LEFT_OUT)
    absent = [request.canonical() for key, request in wanted.items() if key not in there]
    assert not absent, f"{ANEW}; absent: {absent[:3]}"
    assert len(wanted) > 20, "the starter networks alone have so many"


def test_home_lists_where_the_store_has_its_pictures(names: set[str]) -> None:
    listed = json.loads(LIST.read_text(encoding="utf-8"))
    assert set(listed["pictures"].values()) <= names
    for address, request in results.pictures().items():
        assert address in listed["pictures"], ANEW
        for key in keyed([request]):
            assert request_key(listed["pictures"][address]) == key, ANEW
    assert len(listed["verdicts"]) == 7


def test_what_comes_along_is_small() -> None:
    assert SHIPPED.stat().st_size <= results.LIMIT_BYTES


def test_no_pixel_of_the_sample_photos_is_in_it(packed: zipfile.ZipFile) -> None:
    """Of results on the photos, only pictures that were optimized from noise have pixels."""
    for name in packed.namelist():
        blob = Blob.from_bytes(packed.read(name))
        request = blob.facts["request"]
        if request.get("data") != "photos":
            continue
        colours = [key for key, array in blob.arrays.items() if array.ndim >= 3 and array.shape[-1] == 3]
        allowed = {"images"} if request["experiment"] == "visualize" and not request.get("start") else set()
        assert set(colours) <= allowed, f"{request['experiment']}: {colours}"
