"""What comes with Vitrine to be seen at once is what today's pages ask for, small, and without a pixel of anybody's photos."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator

import pytest

from cache.blob import Blob
from engine.claims import order
from engine.core.errors import VitrineError
from engine.core.paths import SHIPPED
from engine.core.request import Request, Result
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


@pytest.fixture(scope="module")
def found(packed: zipfile.ZipFile, names: set[str]) -> dict[str, Result]:
    """What it holds of the starter pair's claims and of the pages' examples, by the requests' keys."""
    places = {request_key(name): name for name in names}
    asked = keyed([*of_starter_claims(), *results.examples()])
    return {
        key: Result.from_blob(Blob.from_bytes(packed.read(f"{places[key]}.blob"))) for key in asked if key in places
    }


def of_starter_claims() -> Iterator[Request]:
    return (part.request for claim in order.CLAIMS for part in claim.parts(order.STARTER))


def test_every_page_and_every_claim_of_the_starter_pair_finds_its_results(names: set[str]) -> None:
    check_there(names, [*results.pictures().values(), *results.examples(), *of_starter_claims()])


def test_every_claim_of_the_real_pair_finds_its_results(names: set[str]) -> None:
    try:
        everything = results.requests()
    except VitrineError as error:
        pytest.skip(f"one of the networks is not installed: {error}")
    check_there(names, everything)


def check_there(names: set[str], asked: Iterable[Request]) -> None:
    there = {request_key(name) for name in names}
    wanted = keyed(request for request in asked if request.experiment not in results.LEFT_OUT)
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


def test_home_says_of_each_claim_what_the_claims_page_says(found: dict[str, Result]) -> None:
    listed = json.loads(LIST.read_text(encoding="utf-8"))["verdicts"]
    assert [tuple(each) for each in listed] == results.verdicts(found), ANEW
    assert len(listed) == 7


def test_the_units_that_the_first_search_finds_have_their_pictures(names: set[str], found: dict[str, Result]) -> None:
    listed = json.loads(LIST.read_text(encoding="utf-8"))["pictures"]
    searched = results.searched(found)
    assert len(searched) >= 4
    for address, request in searched.items():
        assert listed.get(address) in names and request_key(listed[address]) == request.key(), f"{ANEW}: {address}"


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
