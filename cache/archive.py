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
from cache.store import ResultStore, StoreUnavailable

ROOM = 8
"""A store takes the results that come with Vitrine where it has room for so many times as much."""
_MEMBER = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,127})\.blob")


def export(
    store: ResultStore, path: Path, keys: Iterable[str] | None = None, packed: bool = False, compressed: bool = False
) -> int:
    """Write results (default: all) into a ZIP file; returns how many. The file appears only when it is whole. `packed`: with
    pictures as lossless WebP, which takes less room and more time. `compressed`: for `bring` alone, which trusts the file.

    Damaged ones are left out and reported.
    """
    wanted = dict.fromkeys([entry.key for entry in store.entries()] if keys is None else keys)
    written, how = 0, zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with _appearing_whole(path) as partial, zipfile.ZipFile(partial, "w", how, compresslevel=9) as file:
        for key in wanted:
            blob = store.get(key)
            if blob is None:
                store.report(f"The result {key} was not exported: it is not there, or it is damaged.")
                continue
            file.writestr(f"{key}.blob", blob.to_bytes(packed or None))
            written += 1
    return written


def import_(store: ResultStore, path: Path) -> int:
    """Put the results of a ZIP file that are not here yet into the store; returns how many. Damaged ones are reported.

    Raises DamagedBlob when the file is not a ZIP file at all, OSError when it cannot be read, StoreUnavailable.
    """
    taken = 0
    try:
        with _opened(path) as file:
            for member in file.infolist():
                taken += _take(store, file, member)
    except zipfile.BadZipFile as error:
        raise DamagedBlob(f"{path} is not a ZIP file of results, or it is cut short.") from error
    return taken


def bring(store: ResultStore, path: Path) -> int:
    """Put those results into the store that come with Vitrine in this ZIP file and are not here; returns how many. Where all are
    here only names are looked at. Nothing is taken into a store that cannot be written or is too small for them beside its
    own; what is wrong is reported, and never raised: everything can be computed as well."""
    try:
        if not store.writable or path.stat().st_size * ROOM > store.limit_bytes:
            return 0
        with _opened(path) as file:
            absent = [member for member in file.infolist() if not store.has(member.filename.removesuffix(".blob"))]
            return sum(_take(store, file, member, trusted=True) for member in absent)
    except FileNotFoundError:
        return 0
    except (zipfile.BadZipFile, OSError, StoreUnavailable) as error:
        store.report(f"The results that come with Vitrine could not be read from {path}: {error}")
        return 0


def _opened(path: Path) -> zipfile.ZipFile:
    """The ZIP file. Raises BadZipFile for whatever is none, OSError where it cannot be read."""
    try:
        return zipfile.ZipFile(path)
    except (NotImplementedError, ValueError) as error:  # what a few changed bytes in its list of contents can read like
        raise zipfile.BadZipFile(f"Its list of contents is damaged ({error}).") from error


def _take(store: ResultStore, file: zipfile.ZipFile, member: zipfile.ZipInfo, trusted: bool = False) -> bool:
    """Take one member in. A stranger's must not be compressed: it could grow to anything when it is read."""
    name = _MEMBER.fullmatch(member.filename)
    refusal = None
    if not name:
        refusal = "it is not named like a result"
    elif (member.compress_type != zipfile.ZIP_STORED and not trusted) or member.file_size > store.limit_bytes:
        refusal = "it is compressed, or larger than the whole store may be"
    if name is None or refusal:
        store.report(f"“{member.filename[:80]}” in the imported file was left out: {refusal}.")
        return False
    if store.get(name[1]) is not None:
        return False
    try:
        data = file.read(member)
        blob = Blob.from_bytes(data)
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
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
