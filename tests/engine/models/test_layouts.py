"""Sites that are kept: who lists a model's layers does not load it, and who may not compute does not load any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core import kept
from engine.core.config import settings
from engine.core.errors import Forbidden
from engine.models import catalog, guard, layouts
from engine.people.person import Person

MODEL = "starter-cnn"


@pytest.fixture
def asked() -> Iterator[Callable[[Person | None], None]]:
    """Says who asks from now on."""
    yield lambda person: guard.load_only_for(lambda: person)
    guard._WHO.clear()


@pytest.fixture
def loads(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The models that are loaded from now on, into an empty memory; the cache folder is empty, too."""
    loaded: list[str] = []
    load, pool = catalog._load, catalog.ModelPool(10**9)

    def noted(entry: catalog.Entry, *rest: object) -> catalog.LoadedModel:
        model = load(entry, *rest)  # type: ignore[arg-type]
        loaded.append(entry.name)
        return model

    monkeypatch.setattr(catalog, "_load", noted)
    monkeypatch.setattr(catalog, "pool", lambda: pool)
    yield loaded


def forget() -> None:
    catalog.pool().clear()
    catalog.pool()._alive.clear()


def test_the_sites_that_were_found_once_are_read_without_the_model(loads: list[str]) -> None:
    found = catalog.sites_of(MODEL)
    again = catalog.sites_of(MODEL)
    assert loads == [MODEL] and dict(again) == dict(found) == catalog.load(MODEL).sites
    assert [*again] == [*catalog.load(MODEL).sites], "in order of depth"


def test_what_a_changed_version_found_is_found_anew(loads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.sites_of(MODEL)
    monkeypatch.setattr(layouts, "_version", lambda: "next")
    forget()
    catalog.sites_of(MODEL)
    assert loads == [MODEL, MODEL]
    forget()
    catalog.sites_of(MODEL)
    assert loads == [MODEL, MODEL]


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"machine": ["another"], "version": "", "sites": []}'])
def test_a_damaged_file_counts_as_none_and_is_replaced(loads: list[str], damaged: str) -> None:
    mark = catalog.fingerprint(MODEL)
    found = dict(catalog.sites_of(MODEL))
    kept.kept_in("layouts", [mark]).write_text(damaged)
    layouts._read.cache_clear()
    assert layouts.read(mark) is None and dict(catalog.sites_of(MODEL)) == found
    assert loads == [MODEL] and layouts.read(mark) is None, "it is in memory"
    forget()
    catalog.sites_of(MODEL)
    assert dict(layouts.read(mark) or {}) == found


def test_a_cache_folder_that_cannot_be_written_keeps_nobody_from_the_sites(
    loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings().cache_folder / "layouts").write_text("no folder")
    assert catalog.sites_of(MODEL) and catalog.sites_of(MODEL)
    assert loads == [MODEL]


def test_no_model_is_loaded_for_a_viewer(loads: list[str], asked: Callable[[Person | None], None]) -> None:
    asked(Person("vic", role="viewer"))
    for ask in (catalog.load, catalog.sites_of):
        with pytest.raises(
            Forbidden, match="starter-cnn is not loaded here at the moment, and loading models is for memb"
        ):
            ask(MODEL)
    assert loads == []


@pytest.mark.parametrize("who", [None, Person("may", role="member"), Person("op")])
def test_for_members_and_the_server_itself_models_are_loaded(
    who: Person | None, loads: list[str], asked: Callable[[Person | None], None]
) -> None:
    asked(who)
    assert catalog.load(MODEL).name == MODEL and loads == [MODEL]


def test_a_viewer_reads_what_others_found_also_of_an_earlier_version(
    loads: list[str], asked: Callable[[Person | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = dict(catalog.sites_of(MODEL))
    forget()
    asked(Person("vic", role="viewer"))
    assert dict(catalog.sites_of(MODEL)) == found
    monkeypatch.setattr(layouts, "_version", lambda: "next")
    assert dict(catalog.sites_of(MODEL)) == found and loads == [MODEL]


def test_a_model_in_memory_is_everybodys(loads: list[str], asked: Callable[[Person | None], None]) -> None:
    there = catalog.load(MODEL)
    asked(Person("vic", role="viewer"))
    assert catalog.load(MODEL) is there


def test_nothing_is_put_out_for_a_viewer_who_may_not_load(
    loads: list[str], asked: Callable[[Person | None], None]
) -> None:
    catalog.pool().limit_bytes = 1
    catalog.load(MODEL)
    asked(Person("vic", role="viewer"))
    with pytest.raises(Forbidden):
        catalog.load("starter-vit")
    held = catalog.pool().keys()
    assert [key[0] for key in held] == [MODEL]  # type: ignore[index]
