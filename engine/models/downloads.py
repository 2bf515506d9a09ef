"""Models that are being fetched from the hub because somebody asked: one at a time, watched from anywhere.

Invariant: a download outlives the page that began it, and what went wrong is said until somebody asks for it again.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from functools import cache

from engine.core.errors import Cancelled, Forbidden, Unavailable, VitrineError
from engine.models import catalog, guard
from engine.people import audit
from engine.people.person import Person

log = logging.getLogger(__name__)

MOST = 8
"""Downloads that wait at once."""


@dataclass
class Download:
    """One model on its way. `total` is bytes, 0 while that is not known, of which so many `came`; `error` says in a sentence why
    it failed; `stopped`: somebody cancelled it."""

    model: str
    person: Person
    total: int = 0
    came: int = 0
    error: str | None = None
    stopped: bool = False
    ended: bool = False
    began: float = field(default_factory=time.time)

    def sized(self, total: int) -> None:
        """It has so many bytes."""
        self.total = total

    def more(self, count: int) -> None:
        """So many more bytes came. Raises Cancelled where somebody cancelled it."""
        if self.stopped:
            raise Cancelled(f"{self.model} is not fetched: it was cancelled.")
        self.came += count

    def may_cancel(self, person: Person) -> bool:
        """Whether this person may: whoever asked for it, and operators."""
        return person.id == self.person.id or person.is_at_least("operator")


class Downloads:
    """What is being fetched in this process, and what was tried last."""

    def __init__(self) -> None:
        self._lock, self._one = threading.Lock(), threading.Lock()
        self._known: dict[str, Download] = {}

    def start(self, model: str, person: Person) -> Download:
        """Fetch a model's weights, unless that is on already. Raises Forbidden where this person may not, BadRequest for an
        unknown model, Unavailable where too many wait."""
        guard.check_name(model)
        entry = catalog.find(model)
        if (role := guard.fetchers()) is None:
            with guard.asked():
                guard.check_download(entry.name)  # says that nobody may
        else:
            person.require(role, "fetch models from the hub")
        with self._lock:
            known = self._known.get(entry.name)
            if known is not None and not known.ended:
                return known
            if sum(not each.ended for each in self._known.values()) >= MOST:
                raise Unavailable(f"{MOST} models are being fetched already. Try again in a few minutes.")
            download = self._known[entry.name] = Download(entry.name, person)
        threading.Thread(target=self._fetch, args=(download,), name=f"fetch {entry.name}", daemon=True).start()
        return download

    def of(self, model: str) -> Download | None:
        """How a model's download stands; None where nobody asked for it."""
        with self._lock:
            return self._known.get(model)

    def cancel(self, model: str, person: Person) -> None:
        """Stop a download, which ends with the chunk that is on its way; nothing of it is kept. Raises Forbidden where it is
        another person's."""
        download = self.of(model)
        if download is None or download.ended:
            return
        if not download.may_cancel(person):
            raise Forbidden(f"{download.model} is fetched for another person. Ask them, or an operator.")
        download.stopped = True

    def _fetch(self, download: Download) -> None:
        outcome = "done"
        try:
            with self._one, guard.asked(download.sized, download.more):
                download.more(0)  # it may have been cancelled while it waited
                catalog.fingerprint(download.model)
        except Cancelled:
            outcome = "cancelled"
        except VitrineError as error:
            outcome, download.error = "failed", str(error)
        except Exception:
            log.exception("%s could not be fetched", download.model)
            outcome, download.error = "failed", f"{download.model} could not be fetched; the server's log says why."
        finally:
            download.ended = True
        seconds = round(time.time() - download.began, 1)
        audit.note(download.person, "fetch", outcome, model=download.model, bytes=download.total, seconds=seconds)


@cache
def downloads() -> Downloads:
    """The downloads of this process."""
    return Downloads()
