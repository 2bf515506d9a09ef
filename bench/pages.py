"""CPU of a page's run, in milliseconds: what each click costs the server while nothing is computed.

    python -m bench.pages [--runs 5] [--cache FOLDER]

Each page opens on its example (from the results that come with Vitrine), and is then run again as a click would; the first runs
fill the caches and are not counted. The time is that of all threads of this process while no job runs. With a cache folder that
has the pictures of the example's whole depth, that view is measured with them, else without.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common import say, table

HERE = Path(__file__).parents[1]
WARM = 3
"""Runs before the first that counts."""


def pages() -> dict[str, tuple[str, dict[str, str]]]:
    """The scripts of all pages with the parameters of their links, by what is measured."""
    from pages.common import query
    from pages.common.units.view import example

    found = sorted((HERE / "pages").glob("*.py"))
    plain = {path.stem: (str(path.relative_to(HERE)), {}) for path in found if path.stem != "__init__"}
    page = "feature_visualization"
    return {**plain, f"{page}, whole depth": (plain[page][0], query.write(example().but(view="depth")))}


def through_the_entry() -> None:
    """Have AppTest run every page by way of app.py, as the server does, though it finds a folder called pages/."""
    from streamlit.runtime.pages_manager import PagesManager

    made = PagesManager.__init__

    def make(self: PagesManager, *given: Any, **named: Any) -> None:
        PagesManager.uses_pages_directory = False
        made(self, *given, **named)

    PagesManager.__init__ = make


def measured(page: str, link: dict[str, str], runs: int) -> list[float]:
    """Milliseconds of CPU of each run of a page, once its caches are full and nothing is computed."""
    from streamlit.testing.v1 import AppTest

    from engine.jobs.scheduler import jobs

    app = AppTest.from_file(str(HERE / "app.py"), default_timeout=300)
    app.run()
    app.switch_page(page)
    for name, value in link.items():
        app.query_params[name] = value
    taken = []
    for number in range(WARM + runs):
        if number == WARM:  # some pages start what they open on
            for job in jobs().active():
                jobs().wait(job)
            app.run()
        started = time.process_time()
        app.run()
        taken.append(1000 * (time.process_time() - started))
    if app.exception:
        raise SystemExit(f"{page} fails: {app.exception[0].value}")
    return taken[WARM:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cache", help="a cache folder that is there (default: a new one)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VITRINE_CACHE"] = chosen.cache or folder
        from pages.common import serve

        serve.warm_up().thread.join()
        through_the_entry()
        rows = []
        for name, (page, link) in pages().items():
            taken = measured(page, link, chosen.runs)
            rows.append([name, f"{statistics.median(taken):.0f}", f"{max(taken):.0f}"])
            say(f"{name} done")
        print(table(["page", "CPU of a run, ms (median)", "most"], rows))


if __name__ == "__main__":
    main()
