"""What diskcache may put on disk and take from it: text keys and byte values, nothing else.

diskcache's own `Disk` (and its `JSONDisk`) unpickles whatever a row tells it to, and joins the row's file name to
its folder unchecked. Invariant here: no row, whatever it says, is unpickled, and no file outside the folder is read,
written or removed. A row that is not ours raises OSError, which diskcache counts as a miss.
"""

# pyright: reportIncompatibleMethodOverride=false
# (diskcache has no annotations; its methods' inferred return types list every constant that they return)
from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import stat
import threading
from pathlib import Path
from typing import IO, Any

from diskcache import Disk

# How diskcache's `mode` column says where a value is: in the row itself, or in a file of its own.
IN_ROW, IN_FILE = 1, 2
# `.name` is the file that this thread wrote last: after a failure diskcache does not say.
WRITTEN = threading.local()
_FILE_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}\.val")


class BytesDisk(Disk):
    """diskcache's door to the disk, for exact `str` keys and exact `bytes` values. Files are flushed to the disk."""

    def __init__(self, directory: str, min_file_size: int = 0, pickle_protocol: int = 0) -> None:
        super().__init__(directory, min_file_size, pickle_protocol)
        self._root = Path(directory).resolve()

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError(f"Keys of the result store are text, not {type(key).__name__}.")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise OSError("A row of the result store has a foreign key; it was not read.")
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, str | None, bytes | None]:
        if read or type(value) is not bytes:
            raise TypeError(f"Values of the result store are bytes, not {type(value).__name__}.")
        if len(value) < self.min_file_size:
            return 0, IN_ROW, None, value
        name, path = self.filename(key, value)
        WRITTEN.name = name
        write_synced(Path(path), value)
        return len(value), IN_FILE, name, None

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> bytes:
        if not read and mode == IN_ROW and filename is None and type(value) is bytes:
            return value
        if not read and mode == IN_FILE:
            return self.path(filename).read_bytes()
        raise OSError("A row of the result store is not one that Vitrine wrote; it was not read.")

    def opened(self, mode: Any, filename: Any, value: Any) -> IO[bytes]:
        """The same as a file to read from, and to close."""
        if mode == IN_FILE:
            return self.path(filename).open("rb")
        return io.BytesIO(self.fetch(mode, filename, value, False))

    def filename(self, key: Any = None, value: Any = None) -> tuple[str, str]:
        name = f"{secrets.token_hex(1)}/{secrets.token_hex(15)}.val"
        return name, str(self._root / name)

    def remove(self, file_path: Any) -> None:
        with contextlib.suppress(OSError):
            self.path(file_path).unlink()

    def path(self, filename: Any) -> Path:
        """The file that a row names. Raises OSError unless it is a plain file of ours, inside our folder."""
        if type(filename) is not str or not _FILE_NAME.fullmatch(filename):
            raise OSError("A row of the result store names a foreign file; it was not touched.")
        path = self._root / filename
        if not stat.S_ISREG(path.lstat().st_mode) or path.parent.resolve() != path.parent:
            raise OSError("A row of the result store names a link or a special file; it was not touched.")
        return path


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and flush it to the disk. Raises OSError, and then leaves nothing behind."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
