"""The sources that are known, in the order in which their models are listed; and the place where one more is added.

Invariant: a source that fails says so under its own name, as a VitrineError, and keeps no other from being asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.errors import Unavailable, VitrineError
from engine.models.loaded import Entry
from engine.models.source import Source
from engine.models.sources.cards import Local, Starter
from engine.models.sources.open_clip_hub import OpenClipHub
from engine.models.sources.packages import Packages
from engine.models.sources.session import Session
from engine.models.sources.timm_hub import TimmHub
from engine.models.sources.twin import Twin
from engine.models.sources.uploaded import Uploaded

SOURCES: list[Source] = [Starter(), Packages(), Local(), Session(), Uploaded(), TimmHub(), OpenClipHub()]
SOURCES.append(Twin(SOURCES))
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def register_source(kind: type[Source]) -> type[Source]:
    """Class decorator: makes a further source of models known. A class that is made again takes its own place.

    Raises ValueError for a source without a title, and for a name or a prefix that is another's or is not a short word (the
    prefix: and a slash).
    """
    source = kind()
    mine = (kind.__module__, kind.__qualname__)
    others = [each for each in SOURCES if (type(each).__module__, type(each).__qualname__) != mine]
    name, title, prefix = (getattr(source, field, "") for field in ("name", "title", "prefix"))
    if not _WORD.fullmatch(name) or not title:
        raise ValueError(f"{kind.__name__}: a source has a name like “zoo” and a title like “Our zoo”.")
    if not prefix.endswith("/") or not _WORD.fullmatch(prefix.removesuffix("/")):
        raise ValueError(f"{kind.__name__}: the names of a source's models begin with a prefix like “zoo/”.")
    for other in others:
        if name == other.name or prefix == other.prefix:
            raise ValueError(f"{kind.__name__}: “{name}” and “{prefix}” are the name and prefix of no other source.")
    place = next((place for place, each in enumerate(SOURCES) if each not in others), len(SOURCES))
    SOURCES[place : place + 1] = [source]
    return kind


def source_of(entry: Entry) -> Source:
    """Where a model comes from."""
    return next(source for source in SOURCES if source.name == entry.kind)


def sources_for(name: str) -> list[Source]:
    """The sources that a model of this name may come from."""
    owners = [source for source in SOURCES if source.prefix and name.startswith(source.prefix)]
    return owners or [source for source in SOURCES if not source.prefix]


def listed(source: Source) -> list[Entry]:
    """The source's models worth listing. Raises VitrineError in one sentence, whatever is wrong with the source."""
    with _named(source):
        return [_checked(source, entry) for entry in source.entries()]


def found(source: Source, name: str) -> Entry | None:
    """The source's model of this name. Raises VitrineError in one sentence, whatever is wrong with the source."""
    with _named(source):
        entry = source.find(name)
        return None if entry is None else _checked(source, entry)


def further_names(source: Source) -> list[str]:
    """The names that the source knows beside its entries. Raises VitrineError, whatever is wrong with the source."""
    with _named(source):
        return [str(name) for name in source.names()]


def missing(source: Source, name: str) -> str:
    """What the source says of a name that it does not have, or nothing. Raises VitrineError, whatever is wrong with it."""
    with _named(source):
        return source.missing(name)


@contextmanager
def _named(source: Source) -> Iterator[None]:
    try:
        yield
    except VitrineError:
        raise
    except Exception as error:  # anybody's code
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(":. ")
        where = type(source).__module__
        raise Unavailable(f"The models of “{source.title}” cannot be listed: {where} raised {reason}.") from error


def _checked(source: Source, entry: Entry) -> Entry:
    """Raises ValueError for an entry that could not be found again, or shown."""
    if not isinstance(entry, Entry):
        raise ValueError(f"{entry!r} is not an Entry")
    if entry.kind != source.name or not entry.name.startswith(source.prefix):
        raise ValueError(f"“{entry.name}” is not of kind “{source.name}”, or does not begin with “{source.prefix}”")
    if len(entry.input_size) != 3:
        raise ValueError(f"the input_size of “{entry.name}” is not (3, height, width)")
    return entry
