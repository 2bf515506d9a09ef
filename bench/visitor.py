"""One browser session without a browser: it speaks Streamlit's websocket, follows links, presses buttons, polls as a page does.

    visitor = Visitor("127.0.0.1", 8501)
    await visitor.connect()
    await visitor.open("concepts")

What comes back are the messages that a browser draws from: elements by their place, links, timers. Anything that a person would
see as an error is in `errors`.
"""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ANSWER_SECONDS = 120.0
LARGEST = 200 << 20


@dataclass
class Took:
    """What each kind of thing took, in seconds: full runs of a page (`run`), polls of a part of one (`poll`). A poll that finds
    its job ended and has the page drawn anew is a run."""

    run: list[float] = field(default_factory=list)
    poll: list[float] = field(default_factory=list)


class Visitor:
    """A person with a browser of their own."""

    def __init__(self, host: str, port: int, base: str = "") -> None:
        self.host, self.port, self.base = host, port, base
        self.took = Took()
        self.errors: list[str] = []
        self.cookies = self.session = self.page = self.query = ""
        self.pages: dict[str, str] = {}
        self.elements: dict[tuple[int, ...], tuple[str, Element]] = {}
        self.timers: dict[str, float] = {}
        self._socket: ClientConnection | None = None
        self._heard = "none"

    # The connection

    async def connect(self) -> None:
        """Load the page and connect; after `disconnect` the session goes on, as after lost Wi-Fi."""
        await asyncio.to_thread(self._load)
        protocols: list[Any] = ["streamlit", "unused", self.session] if self.session else ["streamlit"]
        self._socket = await connect(
            f"ws://{self.host}:{self.port}{self.base}/_stcore/stream",
            subprotocols=protocols,
            additional_headers={"Cookie": self.cookies} if self.cookies else {},
            max_size=LARGEST,
            ping_interval=None,
            open_timeout=ANSWER_SECONDS,
        )

    def get(self, path: str) -> http.client.HTTPResponse:
        """What the server answers, read to its end."""
        link = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        try:
            link.request("GET", self.base + path, headers={"Cookie": self.cookies} if self.cookies else {})
            answer = link.getresponse()
            answer.read()
            return answer
        finally:
            link.close()

    def _load(self) -> None:
        answer = self.get("/")
        given = [line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie") or []]
        self.cookies = "; ".join([*([self.cookies] if self.cookies else []), *given])
        if answer.status != 200:
            self.errors.append(f"the page was answered with {answer.status}")

    async def disconnect(self) -> None:
        """Gone, without a word to the server."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    # What a person does

    async def open(self, page: str = "", query: str = "") -> None:
        """Open a page by its path, with parameters."""
        self.page, self.query = self.pages.get(page, ""), query
        await self._run(page_name="" if self.page else page)

    async def follow(self, link: Element) -> None:
        """Follow a link on the page."""
        self.page, self.query = link.page_link.page_script_hash, link.page_link.query_string
        await self._run()

    async def press(self, button: Element) -> None:
        """Press a button."""
        await self._run(pressed=button.button.id)

    async def poll(self, fragment: str) -> None:
        """Draw a part of the page again, as its timer does."""
        await self._run(fragment=fragment)

    def buttons(self, key: str) -> list[Element]:
        """The buttons that can be pressed whose key ends so."""
        found = [element for element in self._of("button") if element.button.id.endswith(key)]
        return [element for element in found if not element.button.disabled]

    def links(self) -> list[Element]:
        """Links to other pages of the app."""
        return [element for element in self._of("page_link") if not element.page_link.external]

    def pictures(self) -> list[str]:
        """Addresses of the pictures on the page that are files of the server."""
        return [
            image.url for element in self._of("imgs") for image in element.imgs.imgs if image.url.startswith("/media")
        ]

    def metrics(self) -> list[str]:
        """The names of the numbers on the page."""
        return [element.metric.label for element in self._of("metric")]

    def reads(self, words: str) -> bool:
        """Whether these words stand somewhere in the page's text."""
        return any(words in element.markdown.body for element in self._of("markdown"))

    def said(self) -> list[str]:
        """What a person would read as an error."""
        shown = [element.alert.body for element in self._of("alert") if element.alert.format == Alert.ERROR]
        return [*shown, *(element.exception.message for element in self._of("exception"))]

    def _of(self, kind: str) -> Iterator[Element]:
        return (element for _, element in self.elements.values() if element.WhichOneof("type") == kind)

    async def again(self) -> None:
        """Draw the page anew, as a browser does when it is connected again."""
        await self._run()

    # The protocol

    async def _run(self, *, fragment: str = "", pressed: str = "", page_name: str = "") -> None:
        assert self._socket is not None
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.page_script_hash, state.page_name = self.query, self.page, page_name
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        if pressed:
            widget = state.widget_states.widgets.add()
            widget.id, widget.trigger_value = pressed, True
        began = time.perf_counter()
        await self._socket.send(asked.SerializeToString())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                whole = await self._read(fragment)
        except TimeoutError as error:
            raise TimeoutError(f"not drawn within {ANSWER_SECONDS:g} s; the last message was {self._heard}") from error
        (self.took.run if whole else self.took.poll).append(time.perf_counter() - began)
        self.errors += self.said()

    async def _read(self, fragment: str) -> bool:
        """Until what was asked for stands there. Gives whether all of the page was drawn."""
        assert self._socket is not None
        while True:
            message = ForwardMsg()
            message.ParseFromString(await self._socket.recv(decode=False))
            self._take(message)
            self._heard = str(message.WhichOneof("type"))
            if message.WhichOneof("type") != "script_finished":
                continue
            ended = message.script_finished
            if ended == ForwardMsg.FINISHED_SUCCESSFULLY or (
                fragment and ended == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
            ):
                return ended == ForwardMsg.FINISHED_SUCCESSFULLY
            if ended == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.errors.append("the page's script cannot be read")
                return True

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message)
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash or self.page
        elif kind == "delta":
            place, delta = tuple(message.metadata.delta_path), message.delta
            if delta.WhichOneof("type") == "new_element":
                self.elements[place] = delta.fragment_id, delta.new_element
            else:  # a container (or what is drawn for a moment) stands there now
                self.elements.pop(place, None)
        elif kind == "auto_rerun":
            self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.timers.pop(fragment, None)
        elif kind == "page_not_found":
            self.errors.append("a page was not found")

    def _begin(self, message: ForwardMsg) -> None:
        """A run begins: of the whole page, or of some of its parts."""
        new = message.new_session
        self.session = new.initialize.session_id or self.session
        fragments = set(message.metadata.run.fragment_ids)
        if not fragments:
            self.timers.clear()
            self.elements.clear()
        else:
            self.elements = {place: kept for place, kept in self.elements.items() if kept[0] not in fragments}
