"""Results in one ZIP file, to carry to another machine.

Invariant: nothing in such a file names a place on disk. Members are `<key>.blob`, read into memory, verified by
their digest and put into the store like any other result; whatever else is in the file is reported and left alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from cache.blob import Blob, DamagedBlob
from cache.store import ResultStore

_MEMBER = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,127})\.blob")


def export(store: ResultStore, path: Path, keys: Iterable[str] | None = None, packed: bool = False) -> int:
    """Write results (default: all) into a ZIP file; returns how many. The file appears only when it is whole. `packed`: with
    pictures as lossless WebP, which takes less room and more time.

    Damaged ones are left out and reported.
    """
    wanted = dict.fromkeys([entry.key for entry in store.entries()] if keys is None else keys)
    written = 0
    with _appearing_whole(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as file:
        for key in wanted:
            blob = store.get(key)
            if blob is None:
                store.report(f"The result {key} was not exported: it is not there, or it is damaged.")
                continue
            file.writestr(f"{key}.blob", blob.to_bytes(packed))
            written += 1
    return written


def import_(store: ResultStore, path: Path) -> int:
    """Put the results of a ZIP file that are not here yet into the store; returns how many. Damaged ones are reported.

    Raises DamagedBlob when the file is not a ZIP file at all, OSError when it cannot be read, StoreUnavailable.
    """
    taken = 0
    try:
        with zipfile.ZipFile(path) as file:
            for member in file.infolist():
                taken += _take(store, file, member)
    except zipfile.BadZipFile as error:
        raise DamagedBlob(f"{path} is not a ZIP file of results, or it is cut short.") from error
    return taken


def _take(store: ResultStore, file: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    name = _MEMBER.fullmatch(member.filename)
    refusal = None
    if not name:
        refusal = "it is not named like a result"
    elif member.compress_type != zipfile.ZIP_STORED or member.file_size > store.limit_bytes:
        refusal = "it is compressed, or larger than the whole store may be"
    if name is None or refusal:
        store.report(f"“{member.filename[:80]}” in the imported file was left out: {refusal}.")
        return False
    if store.get(name[1]) is not None:
        return False
    try:
        data = file.read(member)
        blob = Blob.from_bytes(data)
    except (DamagedBlob, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        store.report(f"“{member.filename[:80]}” in the imported file was left out: {error}")
        return False
    store.put_bytes(name[1], data, blob.facts.get("request"))
    return True


@contextlib.contextmanager
def _appearing_whole(path: Path) -> Iterator[Path]:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
