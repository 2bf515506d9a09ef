"""What Streamlit does otherwise here, and why: each a fault of its own that shows with many people on one server.

All change parts of Streamlit that are its own affair: each has a test that notices when they are no longer what they were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit.components.v2.bidi_component.constants import EVENT_DELIM
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.session_manager import ActiveSessionInfo
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX, WStates
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pages.routes import chosen

KEPT_SECONDS, KEPT_BYTES = 60.0, 64 << 20
FEWEST_FILES = 32
"""As many files a session may hold in any case, of the largest size two: more than all boxes of a page hold."""
MOST_TOGETHER, SHARE_OF_MEMORY = 1 << 30, 0.25
"""Bytes of files that all sessions together may hold: no more than the first, and this share of the machine's memory."""


def apply() -> None:
    """Change what has to be otherwise, in the server's process, before anybody comes."""
    # Streamlit finds a folder called pages/ by itself, and until `st.navigation` was called for the first time it would run a
    # page of it without app.py: the first link opened after a restart would show a bare page.
    PagesManager.uses_pages_directory = False
    if st.get_option("server.fileWatcherType") == "none":
        watch_nothing()
    keep_pictures()
    send_to_who_is_there()
    forget_widgets()
    hold_few_files()


def watch_nothing() -> None:
    """Where no files are watched, Streamlit still looks at the files of all modules, torch's thousands too, for each session that
    reconnects: 0.3 s in which the server answers nobody."""
    AppSession.register_file_watchers = _watch_no_files


def _watch_no_files(self: AppSession) -> None:
    pass


class Kept:
    """Pictures that no page shows any longer, for a while: at most `seconds` and `size` bytes, the oldest go first."""

    def __init__(
        self,
        remove: Callable[[MemoryMediaFileStorage, str], None],
        seconds: float = KEPT_SECONDS,
        size: int = KEPT_BYTES,
    ) -> None:
        self.remove, self.seconds, self.size = remove, seconds, size
        # In the order of time. Streamlit holds a lock of its own around every change.
        self._since: dict[str, tuple[float, int]] = {}

    def let_go(self, storage: MemoryMediaFileStorage, name: str) -> None:
        """No page shows it: remove it later, and now what was let go long ago. What is no picture goes at once."""
        try:
            file = storage.get_file(name)
        except MediaFileStorageError:  # it is gone
            return
        if file.kind != MediaFileKind.MEDIA:
            self.remove(storage, name)
            return
        self.shown(name)
        self._since[name] = time.monotonic(), file.content_size
        for old in self._too_old():
            del self._since[old]
            self.remove(storage, old)

    def shown(self, name: str) -> None:
        """A page shows it again."""
        self._since.pop(name, None)

    def _too_old(self) -> list[str]:
        now, held, found = time.monotonic(), sum(size for _, size in self._since.values()), []
        for name, (since, size) in self._since.items():
            if now - since <= self.seconds and held <= self.size:
                break
            found.append(name)
            held -= size
        return found


def keep_pictures() -> None:
    """While a page is drawn anew, nothing says that its pictures are needed; when somebody else's page is done in that time,
    Streamlit removes them. A browser that had not fetched them yet shows a broken picture, and since the address stays the same
    it never asks again. So they go a minute later."""
    add, remove = MemoryMediaFileStorage.load_and_get_id, MemoryMediaFileStorage.delete_file
    kept = Kept(remove)

    def load_and_get_id(self: MemoryMediaFileStorage, *args: object, **options: object) -> str:
        name = add(self, *args, **options)  # type: ignore[arg-type]
        kept.shown(name)
        return name

    MemoryMediaFileStorage.load_and_get_id = load_and_get_id
    MemoryMediaFileStorage.delete_file = lambda self, file_id: kept.let_go(self, file_id)


class AsConnectedNow(list[ActiveSessionInfo]):
    """Sessions with their connections, each looked up when its turn comes; who has left by then is passed over."""

    def __init__(self, manager: WebsocketSessionManager, listed: list[ActiveSessionInfo]) -> None:
        super().__init__(listed)
        self._manager = manager

    def __iter__(self) -> Iterator[ActiveSessionInfo]:
        for info in super().__iter__():
            if (now := self._manager.get_active_session_info(info.session.id)) is not None:
                yield now


def send_to_who_is_there() -> None:
    """Streamlit sends what pages have drawn to all sessions in turn, by a list made before the first. With a hundred people
    that takes long enough for one of them to lose the connection and come back: the new page went to the old connection, and
    its person waited for nothing."""
    listed = WebsocketSessionManager.list_active_sessions
    WebsocketSessionManager.list_active_sessions = lambda self: AsConnectedNow(self, listed(self))


def forget_widgets() -> None:
    """Streamlit lets the value of a widget go that no page shows any longer, and keeps what belongs to it, its callback and all
    that this holds, for as long as the session lasts: who looks through units for an hour has buttons of thousands. Whatever
    is shown again is registered anew."""
    remove = WStates.remove_stale_widgets

    def remove_stale_widgets(
        self: WStates, active_widget_ids: frozenset[str], fragment_ids_this_run: list[str] | None
    ) -> None:
        remove(self, active_widget_ids, fragment_ids_this_run)
        # As Streamlit counts: where only parts of a page are drawn, the widgets of others are not stale.
        self.widget_metadata = {
            name: widget
            for name, widget in self.widget_metadata.items()
            if _shown_as(name) in active_widget_ids
            or (fragment_ids_this_run and widget.fragment_id not in fragment_ids_this_run)
        }

    WStates.remove_stale_widgets = remove_stale_widgets


def _shown_as(widget: str) -> str:
    """The name of what a page shows: what happens in a component is told by a widget of its own, that no page knows."""
    own = widget.removeprefix(f"{STREAMLIT_INTERNAL_KEY_PREFIX}_")
    return own if own == widget else own.partition(EVENT_DELIM)[0]


def hold_few_files() -> None:
    """Streamlit keeps whatever is sent to a session in memory until the session ends, also under ids that it never gave out. One
    session holds as many files, and as many bytes, as the settings let one person keep; and anybody can open many sessions, so
    all of them together hold no more than the machine can spare."""
    add = MemoryUploadedFileManager.add_file

    def add_file(self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
        with self._lock:
            before = self.file_storage.get(session_id, {})
            held = [each for each in before.values() if each.file_id != file.file_id]
            replaced = len(before[file.file_id].data) if file.file_id in before else 0
            together = self._total_bytes - replaced + len(file.data)
        files, size = _most_held()
        if len(held) >= files or sum(len(each.data) for each in held) + len(file.data) > size:
            raise HTTPException(413, "This page holds too many files already. Reload it, and give the file again.")
        if together > most_together():
            raise HTTPException(413, "The open pages hold too many files together. Try again when others are done.")
        add(self, session_id, file)

    MemoryUploadedFileManager.add_file = add_file


@cache
def most_together() -> int:
    """How many bytes of files all sessions together may hold."""
    from engine.core import devices

    memory, _ = devices.host_memory()
    return min(MOST_TOGETHER, int(memory * SHARE_OF_MEMORY)) if memory else MOST_TOGETHER


def _most_held() -> tuple[int, int]:
    """How many files a session may hold, and how many bytes of them."""
    allowed = chosen.limits()
    largest = int(st.get_option("server.maxUploadSize")) << 20
    return max(FEWEST_FILES, allowed.uploads_per_person), max(2 * largest, int(allowed.upload_bytes_per_person))
