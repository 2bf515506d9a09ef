"""Which Vitrine processes are alive: each one holds a lock on its own file for as long as it lives.

The system lets go of the lock however the process ends, kill -9 included, so a mark whose lock can be taken belongs
to a dead process. Invariant: a living process is never taken for a dead one; where locks are missing (no fcntl),
nobody is, and leases simply run out by time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class ProcessMark:
    """This process's mark in `folder`: the file `<id>.lock`, locked until `close`; `held` says whether it worked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = secrets.token_hex(8)
        self.held = False
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):  # without a mark others only wait longer
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Locked under a hidden name first: a mark that others can see is always locked already.
            hidden = folder / f".{self.id}"
            self._descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT, 0o600)
            if fcntl:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self._lock_file(self.id))
            self.held = True

    def _lock_file(self, id: str) -> Path:
        return self.folder / f"{id}.lock"

    def is_dead(self, id: str) -> bool:
        """True only when the process with this id is certainly gone."""
        with self.claim(id) as claimed:
            return claimed

    @contextlib.contextmanager
    def claim(self, id: str) -> Iterator[bool]:
        """Hold the mark of a dead process, so that only one of us clears up after it. False when it may be alive."""
        if fcntl is None or not id.isalnum() or id == self.id:
            yield False
            return
        with contextlib.ExitStack() as stack:
            claimed = True
            try:
                descriptor = os.open(self._lock_file(id), os.O_RDWR)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                pass  # dead, and cleared away already
            except OSError:
                claimed = False
            yield claimed

    def others(self) -> list[str]:
        """The ids of the other processes that left a mark here, dead or alive."""
        with contextlib.suppress(OSError):
            return sorted(path.stem for path in self.folder.glob("*.lock") if path.stem != self.id)
        return []

    def forget(self, id: str) -> None:
        """Remove the mark of a dead process."""
        with contextlib.suppress(OSError):
            self._lock_file(id).unlink()

    def close(self) -> None:
        """Give up our own mark."""
        if self._descriptor is not None:
            self.forget(self.id)
            os.close(self._descriptor)
            self._descriptor, self.held = None, False
