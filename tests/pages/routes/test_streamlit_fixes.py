"""What Streamlit does otherwise here. Each test fails when the fix is not applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.session_manager import ActiveSessionInfo
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.testing.v1 import AppTest

from pages.routes import streamlit_fixes
from pages.routes.streamlit_fixes import Kept

PLACES = [
    (AppSession, "register_file_watchers"),
    (MemoryMediaFileStorage, "load_and_get_id"),
    (MemoryMediaFileStorage, "delete_file"),
    (MemoryUploadedFileManager, "add_file"),
    (WebsocketSessionManager, "list_active_sessions"),
    (WStates, "remove_stale_widgets"),
]


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit is as it was when a test is over."""
    for owner, name in PLACES:
        monkeypatch.setattr(owner, name, getattr(owner, name))


def test_a_session_that_reconnects_looks_at_no_files() -> None:
    streamlit_fixes.watch_nothing()
    session = object.__new__(AppSession)
    session._state = AppSessionState.SHUTDOWN_REQUESTED  # nothing to shut down when it goes
    session._local_sources_watcher = None
    session.register_file_watchers()
    assert session._local_sources_watcher is None


@pytest.fixture
def shown(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., tuple[MediaFileManager, MemoryMediaFileStorage, str]]]:
    """A file that the page of somebody called "ada" shows: `shown(for_download)`."""

    def add(for_download: bool = False) -> tuple[MediaFileManager, MemoryMediaFileStorage, str]:
        storage = MemoryMediaFileStorage("/media")
        manager = MediaFileManager(storage)
        monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: "ada")
        url = manager.add(b"picture", "image/png", "1.2", is_for_static_download=for_download)
        return manager, storage, url.rpartition("/")[2]

    yield add


def test_a_picture_stays_while_its_page_is_drawn_anew_and_another_page_is_done(shown: Any) -> None:
    streamlit_fixes.keep_pictures()
    manager, storage, name = shown()
    manager.clear_session_refs("ada")  # ada's page is drawn anew
    manager.remove_orphaned_files()  # somebody else's is done
    assert storage.get_file(name).content == b"picture"


def test_a_picture_that_no_page_shows_goes_when_its_time_is_over(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("pages.routes.streamlit_fixes.time.monotonic", lambda: clock.now)
    streamlit_fixes.keep_pictures()
    manager, storage, name = shown()
    other = manager.add(b"another", "image/png", "1.3").rpartition("/")[2]
    manager.clear_session_refs("ada")
    manager.remove_orphaned_files()
    clock.now = streamlit_fixes.KEPT_SECONDS / 2
    manager.add(b"another", "image/png", "1.3")  # shown again
    clock.now = streamlit_fixes.KEPT_SECONDS + 1
    manager.add(b"third", "image/png", "1.4")
    manager.clear_session_refs("ada")
    manager.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)
    assert storage.get_file(other).content == b"another", "it has been let go only now"


def test_a_file_to_download_is_not_kept(shown: Any) -> None:
    streamlit_fixes.keep_pictures()
    manager, storage, name = shown(True)
    manager.clear_session_refs("ada")
    manager.remove_orphaned_files()
    manager.remove_orphaned_files()  # Streamlit itself gives a download a second chance
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)


def test_no_more_bytes_are_kept_than_are_allowed_and_the_oldest_go_first() -> None:
    removed: list[str] = []
    kept = Kept(lambda _storage, name: removed.append(name), size=250)
    storage: Any = SimpleNamespace(
        get_file=lambda _name: SimpleNamespace(kind=streamlit_fixes.MediaFileKind.MEDIA, content_size=100)
    )
    for name in ("first", "second", "third", "fourth"):
        kept.let_go(storage, name)
    assert removed == ["first", "second"]


def test_what_a_page_draws_goes_to_the_connection_of_now_though_another_session_took_its_turn_before() -> None:
    streamlit_fixes.send_to_who_is_there()
    manager = object.__new__(WebsocketSessionManager)
    connected: dict[str, Any] = {
        name: ActiveSessionInfo(client=f"{name}'s connection", session=SimpleNamespace(id=name))  # type: ignore[arg-type]
        for name in ("ada", "ben", "cid")
    }
    manager._active_session_info_by_id = connected
    turns = iter(manager.list_active_sessions())
    assert next(turns).client == "ada's connection"
    # While ada's messages are sent, ben comes back and cid leaves.
    connected["ben"] = ActiveSessionInfo(client="ben's new connection", session=SimpleNamespace(id="ben"))  # type: ignore[arg-type]
    del connected["cid"]
    assert [info.client for info in turns] == ["ben's new connection"]


def units() -> None:
    """A page that shows another unit's buttons at each run, and a part of it that is drawn by itself."""
    import streamlit as st

    unit = st.session_state["unit"] = st.session_state.get("unit", 0) + 1
    for number in range(5):
        st.button("Make", key=f"make-{unit}-{number}")
    st.text_input("Note", key="note")

    @st.fragment
    def part() -> None:
        st.checkbox("More", key="more")

    part()


def test_of_widgets_that_no_page_shows_any_longer_nothing_is_kept_and_the_others_work_on() -> None:
    streamlit_fixes.forget_widgets()
    app = AppTest.from_function(units, default_timeout=30).run()
    app.text_input(key="note").set_value("mine")
    app.checkbox(key="more").check()
    for _ in range(10):
        app.run()
    assert not app.exception and app.text_input(key="note").value == "mine" and app.checkbox(key="more").value
    known = app.session_state._state._state._new_widget_state.widget_metadata
    assert len(known) == 7, "five buttons, a note and a box"


def test_what_tells_of_events_in_a_component_stays_as_long_as_the_component() -> None:
    """Streamlit counts it as stale at once."""
    streamlit_fixes.forget_widgets()
    shown, gone, button = "$$ID-0a1b-copy", "$$ID-2c3d-other", "$$ID-4e5f-make__3"
    states = WStates()
    for name in (shown, gone, button, _make_trigger_id(shown, "events"), _make_trigger_id(gone, "events")):
        states.widget_metadata[name] = WidgetMetadata(name, lambda value: value, lambda value: value, "json_value")
    states.remove_stale_widgets(frozenset([shown, button]), None)
    assert [*states.widget_metadata] == [shown, button, _make_trigger_id(shown, "events")]


def test_one_session_holds_only_so_many_files_whatever_ids_are_invented(configured: Callable[..., None]) -> None:
    configured(limits={"uploads_per_person": 40})
    streamlit_fixes.hold_few_files()
    manager = MemoryUploadedFileManager("/upload")
    for number in range(40):
        manager.add_file("ada", UploadedFileRec(f"{number}", "a.png", "image/png", b"1"))
    with pytest.raises(HTTPException, match="too many files") as refusal:
        manager.add_file("ada", UploadedFileRec("another", "a.png", "image/png", b"1"))
    assert refusal.value.status_code == 413
    manager.add_file("ada", UploadedFileRec("7", "a.png", "image/png", b"in its place"))
    manager.add_file("ben", UploadedFileRec("1", "a.png", "image/png", b"1"))
    manager.remove_file("ada", "8")
    manager.add_file("ada", UploadedFileRec("another", "a.png", "image/png", b"1"))
    assert len(manager.file_storage["ada"]) == 40 and manager.get_files("ada", ["7"])[0].data == b"in its place"


def test_one_session_holds_only_so_many_bytes_but_two_files_of_the_largest_size(
    configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(limits={"upload_bytes_per_person": "1 MiB"})
    monkeypatch.setattr("pages.routes.streamlit_fixes.st.get_option", {"server.maxUploadSize": 1}.__getitem__)
    streamlit_fixes.hold_few_files()
    manager, largest = MemoryUploadedFileManager("/upload"), bytes(1 << 20)
    for name in ("first", "second", "second"):
        manager.add_file("ada", UploadedFileRec(name, "a.png", "image/png", largest))
    with pytest.raises(HTTPException, match="too many files"):
        manager.add_file("ada", UploadedFileRec("third", "a.png", "image/png", b"1"))


def test_all_sessions_together_hold_only_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamlit_fixes, "most_together", lambda: 100)
    streamlit_fixes.hold_few_files()
    manager = MemoryUploadedFileManager("/upload")

    def give(session: str, name: str, size: int) -> None:
        manager.add_file(session, UploadedFileRec(name, "a.png", "image/png", bytes(size)))

    give("ada", "1", 60)
    with pytest.raises(HTTPException, match="too many files together") as refusal:
        give("ben", "1", 41)
    assert refusal.value.status_code == 413
    give("ben", "1", 40)
    give("ada", "1", 60)
    manager.remove_session_files("ada")
    give("ben", "2", 60)


def test_that_is_no_more_than_a_quarter_of_the_machines_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gib = 1 << 30
    for memory, most in ((2 * gib, gib // 2), (64 * gib, gib), (None, gib)):
        monkeypatch.setattr("engine.core.devices.host_memory", lambda memory=memory: (memory, None))
        streamlit_fixes.most_together.cache_clear()
        assert streamlit_fixes.most_together() == most
    streamlit_fixes.most_together.cache_clear()
