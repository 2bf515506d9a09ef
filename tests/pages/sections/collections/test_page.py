"""The pages Collections, History, Result and API tokens: what one sees, and what a click does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.jobs.keys import stored_key
from engine.people import audit
from engine.people.person import Person
from engine.sharing import bundle, collections, history, names, notices, recording, tokens
from engine.sharing.bundle import IMPORTED
from engine.sharing.database import database
from engine.sharing.history import Wanted
from engine.sharing.items import Collection
from pages.sections.collections import taking
from tests.engine.sharing.conftest import ANNA, BEN, CARA, KEY, stored, unit
from tests.engine.sharing.test_history import VIT, plant
from tests.pages.opening import opened, said

COLLECTIONS, HISTORY, RESULT, TOKENS = (f"pages/{name}.py" for name in ("collections", "history", "result", "tokens"))


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[None]:
    st.cache_resource.clear()
    yield
    database().close()


@pytest.fixture
def as_person(monkeypatch: pytest.MonkeyPatch):
    """Let this person look at pages."""

    def become(person: Person) -> None:
        monkeypatch.setattr("pages.common.who.person", lambda: person)

    become(ANNA)
    return become


def texts(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.markdown, app.caption, app.title, app.code) for each in kind)


def one(id: str) -> AppTest:
    return opened(COLLECTIONS, c=id)


def fresh(result: Result, key: str) -> None:
    config.store().put(stored_key(key), result.to_blob())


# Collections


def test_where_nothing_is_kept_the_page_says_how_to_begin(as_person) -> None:
    app = opened(COLLECTIONS)
    assert not app.exception and "Press **Keep**" in texts(app)


def test_a_collection_is_made_named_and_opened(as_person) -> None:
    app = opened(COLLECTIONS)
    app.text_input(key="new_collection").set_value("Round things")
    app.button[0].click().run()
    (made,) = collections.mine(ANNA)
    assert made.title == "Round things" and not app.exception


def test_a_collection_shows_its_items_and_what_they_cost(as_person) -> None:
    stored()
    mine = collections.create(ANNA, "Round things", "What is **round**")
    collections.add(mine.id, ANNA, [unit(1), unit(2)], ["a note"])
    app = one(mine.id)
    assert not app.exception, app.exception
    text = texts(app)
    assert "Round things" in text and "What is **round**" in text and "a note" in text
    assert "2 items" in text and "of results kept" in text and "By you" in text


def test_taking_a_collection_along_is_noted_down(configured: Callable[..., None]) -> None:
    configured(access={"audit": True})
    shown = collections.create(ANNA, "Ours")
    collections.share(shown.id, ANNA, "group")
    assert taking.archive(shown.id, BEN).startswith(b"PK") and "Ours" in taking.page(shown.id, BEN, "/")
    for take in (lambda: taking.archive(shown.id, CARA), lambda: taking.page(shown.id, CARA, "/")):
        with pytest.raises(BadRequest, match="no such collection"):
            take()
    noted = [(line["name"], line["kind"]) for line in audit.lines() if line["did"] == "export"]
    assert noted == [("Ben", "page"), ("Ben", "file")]


def test_what_is_too_large_for_a_browser_is_written_on_the_server(as_person, monkeypatch: pytest.MonkeyPatch) -> None:
    stored()
    shown = collections.create(ANNA, "Ours")
    collections.add(shown.id, ANNA, [unit(1)])
    assert "too large" not in texts(one(shown.id))
    monkeypatch.setattr(taking, "LARGEST_FILE", 10)
    text = texts(one(shown.id))
    assert "too large for a browser" in text and f"collections export {shown.id} ours.vitrine.zip" in text
    assert "Share the collection with everyone who has the link first" in text
    collections.share(shown.id, ANNA, "public")
    assert "Share the collection" not in texts(one(shown.id))
    with pytest.raises(BadRequest, match="too large for a browser"):
        taking.archive(shown.id, ANNA)


def test_one_file_is_made_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, alone = threading.Lock(), list[bool]()

    def export(_shown: Collection) -> bytes:
        alone.append(busy.acquire(blocking=False))
        time.sleep(0.1)
        if alone[-1]:
            busy.release()
        return b""

    monkeypatch.setattr(bundle, "export", export)
    shown = collections.create(ANNA, "Ours")
    threads = [threading.Thread(target=taking.archive, args=(shown.id, ANNA)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone == [True] * 3


def test_a_collection_says_that_what_came_late_is_too_much_to_stay(as_person, configured: Callable[..., None]) -> None:
    configured(sharing={"kept_bytes": 1 << 20})
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1)])
    stored(side=700)
    told = said(one(mine.id))
    assert "is not pinned" in told and "are allowed for each person" in told


def test_items_are_moved_noted_and_taken_out(as_person) -> None:
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1), unit(2)])
    first, second = collections.items(mine)
    app = one(mine.id)
    app.button(key=f"move-{first.id}-1").click().run()
    assert [each.id for each in collections.items(mine)] == [second.id, first.id]
    app.text_area(key=f"note_{first.id}").set_value("striped")
    next(each for each in app.button if each.form_id == f"form-note_{first.id}").click().run()
    assert collections.items(mine)[1].note == "striped"
    app.button(key=f"remove-{second.id}").click().run()
    assert [each.id for each in collections.items(mine)] == [first.id] and not app.exception


def test_sharing_is_chosen_by_the_owner_and_others_see_no_such_choice(as_person) -> None:
    mine = collections.create(ANNA, "Mine")
    names.remember(ANNA)
    app = one(mine.id)
    app.radio(key="share_with").set_value("group").run()
    app.toggle(key="share_add").set_value(True).run()
    found = collections.find(mine.id, BEN)
    assert (found.shared, found.others_add) == ("group", True)
    as_person(BEN)
    app = one(mine.id)
    assert not app.exception and "By Anna" in texts(app)
    assert not [each for each in app.radio if each.key == "share_with"]
    assert {"copy", "here"} <= {each.key for each in app.button}


def test_a_stranger_is_told_what_one_is_told_where_there_is_nothing(as_person) -> None:
    mine = collections.create(ANNA, "Secret plan")
    collections.share(mine.id, ANNA, "group")
    as_person(CARA)
    refused, absent = one(mine.id), one("0" * 20)
    assert said(refused) == said(absent) and "no such collection" in said(refused)
    assert "Secret plan" not in texts(refused)


def test_notes_bring_no_images_from_elsewhere(as_person) -> None:
    mine = collections.create(ANNA, "Mine", "![x](http://elsewhere.example/x.png)")
    collections.add(
        mine.id, ANNA, [unit(1, title="![y](http://elsewhere.example/y.png)")], ["a ![z][r]\n\n[r]: http://e.example"]
    )
    assert "![" not in texts(one(mine.id)).replace("\\!\\[", "")


def test_a_deleted_collection_is_gone_and_the_page_goes_back_to_all(as_person) -> None:
    mine = collections.create(ANNA, "Mine")
    app = one(mine.id)
    app.checkbox(key="delete_sure").check().run()
    app.button(key="delete").click().run()
    assert collections.mine(ANNA) == [] and not app.exception


# History


def test_the_history_shows_ones_own_and_keeps_with_one_click(as_person) -> None:
    stored()
    plant(ANNA, KEY, VIT, 100.0, started=90.0)
    plant(CARA, "k2", VIT, 200.0)
    app = opened(HISTORY)
    assert not app.exception and "1 result" in texts(app)
    (button,) = [each for each in app.button if str(each.key).endswith("-keep")]
    button.click().run()
    (kept,) = collections.items(collections.mine(ANNA)[0])
    assert kept.item.results == (KEY,) and kept.item.page == "feature_visualization"
    assert "a" in kept.item.params


def test_a_search_that_finds_nothing_says_what_to_do(as_person) -> None:
    plant(ANNA, KEY, VIT, 100.0)
    app = opened(HISTORY)
    app.text_input(key="hist_words").set_value("no such thing").run()
    assert "Nothing of that was found" in texts(app)


def test_whoever_is_of_no_group_and_no_operator_has_no_choice_of_whose(as_person) -> None:
    as_person(Person("x", "X", "member"))
    assert "hist_whose" not in [each.key for each in opened(HISTORY).selectbox]


# A result


def test_a_result_says_who_made_it_when_and_with_what(as_person) -> None:
    stored(version=6)
    plant(BEN, KEY, {**VIT, "version": 6}, 100.0, started=88.0, device="H200", vitrine="1.2")
    text = texts(opened(RESULT, r=KEY))
    for part in ("Made by Ben", "in 12 s", "on H200", "definition 6", "Vitrine 1.2"):
        assert part in text


def test_a_result_that_was_found_says_who_asked_and_since_when_it_is_there(as_person) -> None:
    stored(version=6)
    plant(BEN, KEY, {**VIT, "version": 6}, 100.0)
    text = texts(opened(RESULT, r=KEY))
    assert "Asked for by Ben" in text and f"stored {datetime.now():%Y-%m-%d}" in text
    assert "Made by" not in text and "in 12 s" not in text and "Vitrine " not in text.partition("definition 6")[2]


def test_a_result_of_an_earlier_definition_stands_beside_what_the_present_one_makes(as_person) -> None:
    from engine.visualization.request import VisualizeRequest

    request = VisualizeRequest(model="starter-vit", site="blocks.6.mlp.hidden", units=(3,))
    former = request.version - 1
    facts = {"experiment": "visualize", "version": former, **request.model_dump(mode="json")}
    key = request.former_key(former)
    fresh(Result(facts, facts={"precision": "float32"}), key)
    app = opened(RESULT, r=key)
    assert not app.exception
    assert {"As it was", "With the present version"} <= {each.value for each in app.header}
    assert [each.label for each in app.button if each.key == "res_again"] == ["Run again"]


def test_what_an_imported_result_says_of_itself_is_text(as_person) -> None:
    """A file can say anything; an image would be asked for in the name of whoever looks at it."""
    image = "![x](/auth/logout)"
    request, facts = {"experiment": "nobodys", "version": image}, {"precision": "float32", "more": image}
    config.store().put(f"{IMPORTED}{KEY}", Result(request, facts=facts).to_blob())
    text = texts(opened(RESULT, r=f"{IMPORTED}{KEY}"))
    assert "Imported with a collection" in text and "definition" in text
    assert text.count("/auth/logout") == 2 and "![" not in text


@pytest.mark.parametrize("key", ["", "nothing", "../../etc/passwd", "<script>", "a" * 5000])
def test_a_result_that_is_not_there_is_a_sentence(as_person, key: str) -> None:
    app = opened(RESULT, r=key)
    assert not app.exception and "not stored here" in texts(app)


FAILED = "The model is larger than this machine's memory."


def failed(person: Person) -> None:
    """A picture that this person asked for, and that failed while they were elsewhere; KEY is the key of its line."""
    from engine.visualization.request import VisualizeRequest

    facts = VisualizeRequest(model="starter-vit", site="blocks.6.mlp.hidden", units=(3,)).canonical()
    plant(person, KEY, json.loads(facts), 100.0, started=90.0, status="failed", error=FAILED, seen=False)


def test_word_of_a_failure_leads_to_what_went_wrong_and_to_a_way_to_make_it_again(as_person) -> None:
    failed(ANNA)
    app = opened(RESULT, r=KEY)
    assert not app.exception and FAILED in said(app).replace("\\", "") and "Asked for by you" in texts(app)
    assert [each.label for each in app.button if each.key == "res_again"] == ["Run again"]
    assert notices.unseen(ANNA) == []


def test_a_failure_is_told_to_those_who_may_see_the_history_that_it_stands_in(as_person) -> None:
    failed(ANNA)
    as_person(BEN)
    assert FAILED in said(opened(RESULT, r=KEY)).replace("\\", "") and len(notices.unseen(ANNA)) == 1
    as_person(CARA)
    app = opened(RESULT, r=KEY)
    assert "not stored here" in texts(app) and FAILED not in said(app)


# Tokens


def test_a_token_is_shown_once_and_taken_back(as_person) -> None:
    app = opened(TOKENS)
    app.text_input(key="token_label").set_value("laptop")
    next(each for each in app.button if each.form_id == "token_form").click().run()
    (text,) = [each.value for each in app.code if each.value.startswith("vit_")]
    assert tokens.find(text).person == ANNA.id
    app.run()
    assert not [each for each in app.code if each.value.startswith("vit_")]
    (made,) = tokens.mine(ANNA)
    app.button(key=f"revoke-{made.id}").click().run()
    assert tokens.mine(ANNA) == [] and history.search(Wanted(), ANNA).count == 0
    recording.recorder().settle()


def test_nobody_is_offered_more_than_they_may(as_person) -> None:
    as_person(Person("v", "V", "viewer"))
    assert opened(TOKENS).selectbox(key="token_role").options == ["viewer"]
