"""Asking for a result from the command line: from the store at once, or computed here with a progress bar."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from engine.core import config
from engine.core.errors import BadRequest
from engine.core.paths import brief, readable, typed_path
from engine.core.request import Progress, Request, Result
from engine.data.formats.detect import is_there
from engine.data.registry import dataset_names, open_dataset
from engine.jobs.keys import label
from engine.jobs.runner import Runner
from engine.models import catalog

BAR_WIDTH = 24
LINE_SECONDS = 10.0
_TOLD: set[tuple[str, str]] = set()
NOT_STORED = "The result could not be stored and is lost after this run, except for pictures written with --out. Check the cache."


class Bar:
    """Progress on a stream: one line that is written over on a terminal, else a plain line every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.live = stream, stream.isatty()
        self._shown, self._shown_at = "", float("-inf")

    def show(self, progress: Progress | None) -> None:
        """Take in progress; shown when there is something new and, on a plain stream, not too often."""
        if progress is None:
            return
        now = time.monotonic()
        if self.live and now - self._shown_at >= 0.1:
            self._write(f"\r{self._text(progress)}\x1b[K", now)
        elif not self.live and now - self._shown_at >= LINE_SECONDS:
            self._write(f"{self._text(progress)}\n", now)

    def close(self) -> None:
        """Leave the terminal's line clean."""
        if self.live and self._shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def _text(self, progress: Progress) -> str:
        share = min(progress.step / progress.total, 1.0) if progress.total else 0.0
        bar = "#" * round(share * BAR_WIDTH)
        return f"[{bar:<{BAR_WIDTH}}] {share:4.0%} {progress.message}"[:100]

    def _write(self, text: str, now: float) -> None:
        self._shown, self._shown_at = text, now
        self.stream.write(text)
        self.stream.flush()


def ask(request: Request) -> tuple[Result, bool]:
    """The result of a request, and whether it was stored already.

    Raises VitrineError when it cannot be had. A result that cannot be stored is handed on with a warning.
    """
    say_how_models_are_read(request)
    runner = Runner(config.store())
    key = request.key()
    stored = runner.find(key)
    if stored is not None:
        if told := label(stored):
            print(f"vitrine: {told}", file=sys.stderr)
        return stored, True
    bar = Bar(sys.stderr)
    try:
        result = runner.fetch(request, bar.show)
    finally:
        bar.close()
    if runner.warning(key):  # its words are for those who can still download the result
        print(f"vitrine: {NOT_STORED}", file=sys.stderr)
    return result, False


def say_how_models_are_read(request: Request) -> None:
    """On standard error, once for each: how the files of the models that a request names are read, where it could be
    otherwise."""
    given = dict(request)
    for name in dict.fromkeys(
        each for each in (given.get("model"), given.get("reader")) if isinstance(each, str) and each
    ):
        for told in catalog.find(name).reading:
            if (name, told) not in _TOLD:
                _TOLD.add((name, told))
                print(f"vitrine: {brief(name)}: {told}", file=sys.stderr)


def data_name(text: str) -> str:
    """A data set's name as it is, a folder as its absolute path: the same folder is the same request from anywhere.

    A name wins over a folder of that name; `./name` means the folder. How its files are read is said on standard error where
    it could be otherwise. Raises BadRequest when there is neither.
    """
    name = _known_name(text)
    for note in open_dataset(name, typed=True).notes():
        print(f"vitrine: {brief(text)}: {note}", file=sys.stderr)
    return name


def _known_name(text: str) -> str:
    if text in dataset_names():
        return text
    path = typed_path(text)
    try:
        name = str(path.resolve()) if is_there(path) else text
    except PermissionError:
        raise BadRequest(f"“{brief(text)}” cannot be accessed: no permission for a folder above it.") from None
    if readable(name) != name:  # it becomes part of the request, which is text
        raise BadRequest(f"The path “{brief(name)}” is not UTF-8 text. Rename the folder, or make a link to it.")
    return name
