"""What stands on the pages about people and what they may: fetching a model, what one stored, what others did."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER
from engine.core.errors import Forbidden
from engine.core.images import to_png
from engine.core.request import build
from engine.data import belongings, uploads
from engine.jobs import pins
from engine.models import catalog, downloads, guard, hub
from engine.people.person import LOCAL, Person
from engine.sharing import bundle, collections, holding, tokens
from engine.sharing.database import database
from engine.sweeps import state
from engine.sweeps.request import SweepRequest
from pages.common import who, words
from pages.common.experiments import places
from pages.common.units.rows import rows
from pages.common.units.view import example
from tests.engine.sharing.conftest import ANNA, KEY, stored, unit
from tests.pages.opening import VISUALIZATION, opened, said

ELSEWHERE = "timm/resnet50.a1_in1k"


@pytest.fixture
def server() -> Iterator[None]:
    guard.fetch_only_when_asked()
    yield
    guard._SERVES.clear()
    guard._WHO.clear()


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def told(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.markdown, app.caption) for each in kind)


def test_a_link_to_a_model_that_is_not_here_says_so_and_fetches_nothing(server: None) -> None:
    app = opened(VISUALIZATION, a=f"{ELSEWHERE}@stages.3.blocks.2:0")
    assert not app.exception and f"The weights of {ELSEWHERE} are not on this machine" in said(app).replace("\\", "")


def test_a_model_is_fetched_by_a_button_for_those_who_may(configured: Callable[..., None]) -> None:
    app = opened("pages/models.py", fetch=ELSEWHERE)
    assert not app.exception and any(label.startswith("Fetch it") for label in buttons(app))
    configured(access={"visitors": "viewer"})
    app = opened("pages/models.py", fetch=ELSEWHERE)
    assert not any(label.startswith("Fetch it") for label in buttons(app))
    assert any("You may not have models fetched here" in each.value for each in app.markdown)


def test_the_hub_is_asked_nothing_for_whoever_may_not_fetch(
    configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(hub, "size", lambda place: asked.append(place.repository))
    st.cache_data.clear()
    configured(limits={"downloads": "nobody"})
    app = opened("pages/models.py", fetch=ELSEWHERE)
    assert not app.exception and asked == []
    assert any("is not on this machine. Licence" in each.value for each in app.markdown)
    configured()
    opened("pages/models.py", fetch=ELSEWHERE)
    assert len(asked) == 1
    st.cache_data.clear()


def test_what_one_may_ask_for_is_told_before_it_is_refused(
    configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "may ask for" not in headers(opened("pages/privacy.py")), "one person has this machine"
    few = {"jobs_per_person": 2, "seconds_per_job": 1800, "models": ["starter-*"], "downloads": "operator"}
    configured(access={"login": "oidc", "members": ["*"]}, limits=few)
    monkeypatch.setattr(who, "person", lambda: ANNA)
    app = opened("pages/privacy.py")
    assert not app.exception and "What you may ask for here" in headers(app)
    for part in (
        "at most 2, of 64 parts",
        "at most 256.",
        "30 min",
        "1,048,576 pixels",
        "`starter-*`",
        "hub:** for operators",
        "200 files, 210 MB together; no weights",
    ):
        assert part in told(app), part
    configured(access={"login": "oidc", "members": ["*"]}, limits={"pixels_per_picture": 0, "checkpoints": True})
    free = told(opened("pages/privacy.py"))
    assert not [part for part in ("Time of a job", "pixels of", "in these names", "no weights") if part in free]
    assert "hub:** at most 17.2 GB each" in free
    monkeypatch.setattr(who, "person", lambda: Person("vic", role="viewer"))
    assert "Computing and uploading are for members" in told(opened("pages/privacy.py"))


def headers(app: AppTest) -> str:
    return "\n".join(each.value for each in app.header)


def test_a_download_says_how_much_has_come_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    on = downloads.Downloads()
    on._known[ELSEWHERE] = downloads.Download(ELSEWHERE, LOCAL, total=340_000_000, came=12_000_000)
    monkeypatch.setattr(downloads, "downloads", lambda: on)
    app = opened("pages/models.py", fetch=ELSEWHERE)
    (bar,) = [each.proto for each in app.get("progress") if "Fetching" in each.proto.text]
    assert "12.0 MB of 340 MB" in bar.text.replace("\\", "") and bar.value == 3
    app.button(key="fetch-cancel").click().run()
    assert not app.exception and on._known[ELSEWHERE].stopped and "Cancelling" in [each.value for each in app.caption]
    on._known[ELSEWHERE].ended = True
    app.run()
    assert any("This was cancelled" in each.value for each in app.markdown)
    assert any(label.startswith("Fetch it") for label in buttons(app))


def test_what_others_did_is_for_operators(configured: Callable[..., None], own_store: Path) -> None:
    configured(access={"visitors": "member", "audit": True})
    app = opened("pages/activity.py")
    assert "You may not see what others do here" in said(app) and not app.dataframe
    configured(access={"audit": True})
    app = opened("pages/activity.py")
    assert not app.exception and not app.error and [each.value for each in app.header] == ["Jobs", "What people did"]


def test_an_operator_reads_what_people_did_a_row_each(configured: Callable[..., None], own_store: Path) -> None:
    configured(access={"audit": True})
    shown = collections.create(ANNA, "Ours")
    collections.share(shown.id, ANNA, "public")
    bundle.import_(bundle.export(shown), ANNA)
    tokens.make(ANNA, "script", 1, "member")
    tokens.revoke(ANNA, tokens.mine(ANNA)[0].id)
    stored()
    pins.pin([KEY], True, ANNA)
    app = opened("pages/activity.py")
    table = app.dataframe[0].value
    done = [tuple(row) for row in table[table["Who"] == "Anna"][["What", "Outcome"]].to_numpy()]
    assert not app.exception and done == [
        ("pin", "done"),
        ("token", "revoked"),
        ("token", "made"),
        ("import", "done"),
        ("collection", "created"),
        ("share", "public"),
        ("collection", "created"),
    ]
    database().close()


def test_one_sees_what_is_stored_and_deletes_ones_own(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = Person("browser:ann", role="member")
    monkeypatch.setattr(who, "person", lambda: ann)
    for shade in (1, 2):
        uploads.keep_image(to_png(np.full((8, 8, 3), shade, np.uint8)), f"photo {shade}.png", ann)
    uploads.keep_image(to_png(np.full((8, 8, 3), 3, np.uint8)), "bobs.png", Person("browser:bob"))
    app = opened("pages/privacy.py")
    text = told(app)
    assert not app.exception and "90 days after their last use" in text and "photo 1" in text and "bobs" not in text
    assert f"up-{belongings.stored(ann)[0].digest}" in text.replace("\\", "")
    app.button(key=f"delete-images-{belongings.stored(ann)[0].digest}").click().run()
    assert [each.name for each in belongings.stored(ann)] == ["photo 1.png"]
    app.button(key="delete-everything").click().run()
    assert belongings.stored(ann) == [] and not app.exception
    assert "Nothing." in [each.value for each in app.caption]
    assert len(belongings.stored(Person("browser:bob"))) == 1


def test_whoever_began_but_a_sweep_is_told_of_it_and_can_delete_it(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = Person("browser:ann", role="member"), Person("browser:bob", role="member")
    monkeypatch.setattr(who, "person", lambda: ann)
    hers, both = (build(SweepRequest, models=("starter-vit",), units=units) for units in ("0-3", "4-7"))
    for request, person in ((hers, ann), (both, ann), (both, bob)):
        state.begin(request, person.id)
    app = opened("pages/privacy.py")
    assert "Also yours: 2 sweeps." in told(app)
    app.button(key="delete-everything").click().run()
    assert not app.exception and "Nothing." in [each.value for each in app.caption]
    assert [(each.id, each.wishes) for each in state.listed()] == [(both.id, {bob.id: "on"})]


@pytest.mark.parametrize("most", [1, 3])
def test_a_demo_of_few_units_opens_and_asks_for_no_more(configured: Callable[..., None], most: int) -> None:
    configured(demo=True, demo_max_units=most)
    for row in rows(example()):
        row.request.check_size()
    app = opened(VISUALIZATION)
    app.button(key="fv_run").click().run()
    assert not app.exception and "limit" not in said(app)


def test_a_viewer_pins_nothing() -> None:
    with pytest.raises(Forbidden, match="You may not pin results here"):
        pins.pin(["key"], True, Person("vic", role="viewer"))


def test_a_viewer_keeps_and_imports_nothing(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vic = Person("vic", role="viewer")
    shown = collections.create(ANNA, "Ours")
    collections.share(shown.id, ANNA, "public", others_add=True)
    for keep in (
        lambda: collections.create(vic, "Mine"),
        lambda: collections.add(shown.id, vic, [unit(1)]),
        lambda: collections.copy(shown.id, vic),
        lambda: collections.keep(vic, unit(1)),
        lambda: bundle.import_(bundle.export(shown), vic),
    ):
        with pytest.raises(Forbidden, match="You may not keep results here"):
            keep()
    monkeypatch.setattr(who, "person", lambda: vic)
    for app in (opened("pages/collections.py"), opened("pages/collections.py", c=shown.id), opened(VISUALIZATION)):
        keys = {str(each.key) for each in app.button}
        assert not app.exception and not {"copy", "here"} & keys and "Create" not in buttons(app)
        assert not [key for key in keys if key.endswith("-keep")]
    database().close()


def test_what_ones_collections_keep_is_counted_beside_the_files(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(who, "person", lambda: ANNA)
    assert not [each for each in opened("pages/privacy.py").caption if "collections keep" in each.value]
    stored(side=300)
    collections.add(collections.create(ANNA, "Mine").id, ANNA, [unit(1)])
    (told,) = [each.value for each in opened("pages/privacy.py").caption if "collections keep" in each.value]
    assert f"{words.size(holding.held_bytes(ANNA.id))} of 1.1 GB" in told
    database().close()


def test_what_is_stored_of_people_is_said_as_the_settings_have_it(configured: Callable[..., None]) -> None:
    alone = told(opened("pages/privacy.py"))
    for part in (
        "365 days",
        "| you, operators; whoever has",
        "after 90 days at most",
        "network address",
        "| 7 days | you |",
    ):
        assert part in alone
    assert "your groups" not in alone and "sign-in service" not in alone and "are sent to a service" not in alone
    configured(
        access={"audit": True},
        sharing={"history_days": 30, "token_days": 5, "webhook": "https://chat.example.org/hook"},
        limits={"downloads": "nobody"},
    )
    watched = told(opened("pages/privacy.py"))
    for part in ("30 days, or until you delete it", "after 5 days at most", "your name are sent to a service"):
        assert part in watched
    assert "| operators |" in watched and "Hugging Face" not in watched and "by e-mail" not in watched


def test_where_people_sign_in_their_groups_and_cookies_are_told_of(
    configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(access={"login": "oidc", "operators": ["*"]})
    monkeypatch.setattr(who, "person", lambda: ANNA)
    app = opened("pages/privacy.py")
    assert (
        not app.exception
        and "you, your groups, operators" in told(app)
        and "30 days, or until you sign out" in told(app)
    )


@pytest.mark.parametrize("page", [*places.SCRIPTS.values(), places.HOME, places.CLAIMS, places.MODELS, places.HISTORY])
def test_a_viewer_opens_every_page_and_no_model_is_loaded_for_it(
    page: str, configured: Callable[..., None], server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*DEFAULT_MODELS, DEFAULT_READER):
        catalog.sites_of(name)
    monkeypatch.setattr(catalog, "pool", functools.cache(lambda: catalog.ModelPool(10**9)))
    configured(access={"visitors": "viewer"})
    guard.load_only_for(who.asking)
    app = opened(page)
    assert not app.exception and not app.error, said(app)
    assert "loading models is for members" not in told(app) + said(app)
    assert catalog.pool().keys() == []
