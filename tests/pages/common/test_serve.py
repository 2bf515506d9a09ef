"""The server's life: what it says when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WARM = """
import sys
from engine.core.experiments import experiments
from pages.common import serve
serve.drawn()
serve.warm_up().thread.join()
assert serve.warm_up().error is None
print([name for name, entry in experiments().items() if entry.module not in sys.modules])
"""


@pytest.mark.slow
def test_a_server_that_ends_says_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WARM],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "VITRINE_CACHE": str(tmp_path)},
    )
    assert ended.returncode == 0
    assert "leaked" not in ended.stdout + ended.stderr
    assert ended.stdout == "[]\n", "pages wait for no experiment: all are imported"


def test_the_engine_is_imported_once_a_page_stands_or_needs_it_and_not_before() -> None:
    code = (
        "import sys, time\n"
        "from pages.common import serve\n"
        "warmth = serve.warm_up()\n"
        "time.sleep(0.5)\n"
        "print('torch' in sys.modules, serve.is_ready())\n"
        "serve.drawn()\n"
        "warmth.thread.join()\n"
        "print('torch' in sys.modules, warmth.error)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "False", "True", "None"]


PLACES = """
import ctypes, sys, threading
from pages.common import serve
if sys.argv[1] == "together":
    assert serve.keep_memory_together()
libc = ctypes.CDLL("libc.so.6")
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = (ctypes.c_int, ctypes.c_void_p), (ctypes.c_void_p,)
all_at_once = threading.Barrier(12)
def work():
    all_at_once.wait()
    libc.malloc(1000)
    all_at_once.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
told = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, told)
libc.fclose(told)
print(open(sys.argv[2]).read().count("<heap nr"))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="how glibc keeps memory")
def test_threads_share_two_places_in_memory_however_many_there_are(tmp_path: Path) -> None:
    def places(how: str) -> int:
        command = [sys.executable, "-c", PLACES, how, str(tmp_path / "told.xml")]
        return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)

    assert places("together") <= 3 < places("each its own")
