"""What people do on a dashboard, for `bench.soak`: they look around, follow links, ask for things, change their minds, lose their
connection. Each one is a `bench.visitor.Visitor`, with a random life of its own that a seed repeats."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.visitor import Visitor

UNITS, SITE = 700, "starter-vit@blocks.6.mlp.hidden"
DATA = "photos"  # few images, so that pictures are compared with them at once
PATIENCE_SECONDS = 600.0


@dataclass
class Notes:
    """What all of them did and saw. Times of polls and runs are seconds, with when they were taken (seconds since 1970)."""

    did: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    polls: list[tuple[float, float]] = field(default_factory=list)
    runs: list[tuple[float, float]] = field(default_factory=list)


class Life:
    """One person. `works`: whether they ask for things too, beside looking around; `pause`: how long they look at a page, on
    average (seconds)."""

    def __init__(self, visitor: Visitor, notes: Notes, seed: int, pause: float) -> None:
        self.visitor, self.notes, self.pause = visitor, notes, pause
        self.chance = random.Random(seed)
        self.works = False

    async def begin(self) -> None:
        """Connect, and open every page once."""
        await self.visitor.connect()
        await self.visitor.open()
        for page in list(self.visitor.pages):
            await self.look(page)

    async def look(self, page: str, query: str = "") -> None:
        """Open a page, and load some of its pictures as a browser would."""
        await self.visitor.open(page, query)
        self.notes.did["page"] += 1
        await self._load_pictures()

    async def go_on(self, until: float) -> None:
        """Live until then (`time.monotonic`)."""
        while time.monotonic() < until:
            await asyncio.sleep(self.chance.uniform(0.2, 1.8) * self.pause)
            if time.monotonic() < until:
                await self.act()

    async def act(self) -> None:
        """Do one thing. Whatever goes wrong is noted and ends nobody's life."""
        acts = {self._open: 4, self._follow: 4, self._watch: 3, self._reconnect: 1}
        if self.works:
            acts |= {self._ask: 3, self._change_mind: 1}
        (act,) = self.chance.choices([*acts], [*acts.values()])
        try:
            await act()
        except Exception as error:
            self.notes.errors.append(f"{act.__name__}: {type(error).__name__}: {error}")
            await self._again()
        self.hand_over()

    async def end(self) -> None:
        """Close the browser."""
        self.hand_over()
        await self.visitor.disconnect()

    def hand_over(self) -> None:
        now, visitor = time.time(), self.visitor
        self.notes.polls += [(now, seconds) for seconds in visitor.took.poll]
        self.notes.runs += [(now, seconds) for seconds in visitor.took.run]
        self.notes.errors += visitor.errors
        visitor.took.poll.clear()
        visitor.took.run.clear()
        visitor.errors.clear()

    # What they do

    async def _open(self) -> None:
        await self.look(self.chance.choice([*self.visitor.pages]))

    async def _follow(self) -> None:
        links = self.visitor.links()
        if not links:
            await self.look("")
            return
        await self.visitor.follow(self.chance.choice(links))
        self.notes.did["link"] += 1
        await self._load_pictures()

    async def _watch(self) -> None:
        """Look at one part of the page that draws itself, some times."""
        if fragments := self._fragments():
            fragment = self.chance.choice(sorted(fragments))
            for _ in range(3):
                if fragment in self._fragments():  # the page may have been drawn anew without it
                    await self.visitor.poll(fragment)
                await asyncio.sleep(0.7)
        self.notes.did["watch"] += 1

    def _fragments(self) -> set[str]:
        """The parts of the page that draw themselves."""
        return {fragment for fragment, _ in self.visitor.elements.values() if fragment}

    async def _reconnect(self) -> None:
        session, page = self.visitor.session, self.visitor.page
        await self.visitor.disconnect()
        await asyncio.sleep(self.chance.uniform(0.0, 3.0))
        await self.visitor.connect()
        self.visitor.page = page
        await self.visitor.again()
        if self.visitor.session != session:
            self.notes.errors.append("after a lost connection another session began")
        self.notes.did["reconnect"] += 1

    async def _ask(self) -> None:
        """Ask for something new, and wait for it."""
        await (self._ask_for_numbers if self.chance.random() < 0.5 else self.ask_for_pictures)()

    async def _ask_for_numbers(self) -> None:
        seed = self.chance.randrange(1 << 30)
        await self.visitor.open("background", f"experiment=numbers&seed={seed}&seconds=0.2")
        if await self._press("one_numbers_compute"):
            await self._wait()
            if "Mean" not in self.visitor.metrics():
                self.notes.lost.append(f"the numbers of seed {seed}")
            self.notes.did["numbers"] += 1

    async def ask_for_pictures(self, units: int = 1, changed: str = "&tuned=steps:8") -> None:
        """Ask for pictures of units that nobody has asked for, and wait for them."""
        seed, first = self.chance.randrange(1 << 30), self.chance.randrange(UNITS)
        asked = f"a={SITE}:{first}-{first + units - 1}&seed={seed}&recipe=fast&data={DATA}{changed}"
        await self.visitor.open("feature_visualization", asked)
        if await self._press("fv_run"):
            await self._wait()
            await self.visitor.open("feature_visualization", asked)
            if self._waits() or self.visitor.reads("Not made yet"):
                self.notes.lost.append(f"the pictures of {asked}")
            self.notes.did["pictures"] += 1

    async def _change_mind(self) -> None:
        """Ask for something that takes longer, and cancel it."""
        await self.visitor.open("background", f"experiment=numbers&seed={self.chance.randrange(1 << 30)}&seconds=20")
        if await self._press("one_numbers_compute"):
            await asyncio.sleep(self.chance.uniform(0.0, 2.0))
            if await self._press("cancel-one_numbers"):
                await self._wait()
                self.notes.did["cancelled"] += 1

    # How

    async def _press(self, key: str) -> bool:
        buttons = self.visitor.buttons(key)
        if not buttons:
            self.notes.errors.append(f"there was no button {key}")
            return False
        await self.visitor.press(buttons[0])
        return True

    async def _wait(self) -> None:
        """Poll as the page's timers say, until none is left."""
        until = time.monotonic() + PATIENCE_SECONDS
        while timers := self._waits():
            fragment, every = min(timers.items(), key=lambda timer: timer[1])
            await asyncio.sleep(every)
            await self.visitor.poll(fragment)
            if time.monotonic() > until:
                self.notes.lost.append("what was asked for did not end in ten minutes")
                return

    def _waits(self) -> dict[str, float]:
        """The timers of panels of jobs; others look for news now and then."""
        return {name: every for name, every in self.visitor.timers.items() if every < 1.5}

    async def _load_pictures(self) -> None:
        pictures = self.visitor.pictures()
        for path in self.chance.sample(pictures, min(2, len(pictures))):
            status = (await asyncio.to_thread(self.visitor.get, path)).status
            if status != 200:
                self.notes.errors.append(f"a picture was answered with {status}")

    async def _again(self) -> None:
        """Start over after something broke."""
        try:
            await self.visitor.disconnect()
            await self.visitor.connect()
            await self.visitor.open()
        except Exception as error:
            self.notes.errors.append(f"starting over: {type(error).__name__}: {error}")


class Busy(Life):
    """Somebody who keeps the worker busy, so that others wait beside a real computation."""

    async def act(self) -> None:
        if not self.works:
            await super().act()
            return
        try:
            await self.ask_for_pictures(2, "&tuned=steps:32")
        except Exception as error:
            self.notes.errors.append(f"busy: {type(error).__name__}: {error}")
            await self._again()
        self.hand_over()
