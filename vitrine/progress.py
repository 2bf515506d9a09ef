"""A progress bar for a running request, in a terminal or in Jupyter (tqdm decides); TQDM_DISABLE=1 turns it off."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.request import Progress

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # Jupyter without ipywidgets: the bar is text then, which is no reason for a warning
    from tqdm.auto import tqdm


class Bar:
    """Takes in progress; a new stage (another total, or steps that begin again) has a bar of its own."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: tqdm | None = None

    def show(self, progress: Progress | None) -> None:
        """What `engine.jobs.runner.Runner.fetch` reports to; None is nothing to tell."""
        if progress is None:
            return
        bar = self._bar
        if bar is None or bar.total != (progress.total or None) or progress.step < bar.n:
            self.close()
            bar = self._bar = tqdm(total=progress.total or None, leave=False)
        text = progress.message or self.title
        if bar.desc != f"{text}: ":
            bar.set_description(text, refresh=False)
        bar.update(progress.step - bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """A bar that is gone afterwards, however the work ends."""
    shown = Bar(title)
    try:
        yield shown
    finally:
        shown.close()
