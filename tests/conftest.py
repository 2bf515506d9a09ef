"""What every test stands on: its own cache folder, no network, few threads. Nothing here touches a person's files.

The environment is set before the first import of the engine, because settings are read once per process.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
# One cache folder for the whole run: the networks that wheels carry are converted once. Tests that look at
# the store itself take `own_store`.
SESSION_CACHE = Path(tempfile.mkdtemp(prefix="vitrine-tests-"))
atexit.register(shutil.rmtree, SESSION_CACHE, ignore_errors=True)
os.environ.update(
    VITRINE_CACHE=str(SESSION_CACHE),
    VITRINE_SHIPPED_RESULTS="false",
    VITRINE_PREPARE="false",
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    DO_NOT_TRACK="1",
    STREAMLIT_BROWSER_GATHER_USAGE_STATS="false",
)
os.environ.pop("VITRINE_CONFIG", None)
# Two threads for torch: the tests' arithmetic is small, and more threads only wait for each other. Where several processes
# run tests side by side (`make test`), they share the cores; so do the servers and commands that they start.
TOGETHER = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, min(2, (os.cpu_count() or 1) // TOGETHER))
if TOGETHER > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))


def pytest_configure(config: pytest.Config) -> None:
    import torch

    torch.set_num_threads(THREADS)


def is_this_machine(address: Any) -> bool:
    """Whether a socket address stays on this machine: loopback, or not an internet address at all."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    return host in {"localhost", "::1", "0.0.0.0", "::", "", socket.gethostname()} or host.startswith("127.")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting to another machine fails the test with a sentence that names it."""
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        if host is not None and not is_this_machine((os.fsdecode(host),)):
            pytest.fail(f"A test looked up “{os.fsdecode(host)}”. The app must work without a network.")
        return look_up(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, original: Any = original) -> Any:
            if not is_this_machine(address):
                pytest.fail(f"A test reached for the network: {address}. The app must work without one.")
            return original(self, address)

        monkeypatch.setattr(socket.socket, name, guarded)


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This test alone uses the cache folder it gets: settings and the process-wide store are read anew, then put back.

    What was converted from wheels is shared with the other tests through a link, because conversion takes seconds.
    """
    from engine.core import config

    folder = tmp_path / "cache"
    folder.mkdir()
    (SESSION_CACHE / "wheels").mkdir(exist_ok=True)
    (folder / "wheels").symlink_to(SESSION_CACHE / "wheels")
    monkeypatch.setenv("VITRINE_CACHE", str(folder))
    forget_settings(config)
    yield folder
    forgotten = config.store()
    forget_settings(config)
    forgotten.close()


def forget_settings(config: Any) -> None:
    """Make the next call read the environment, open the store and start the jobs again."""
    jobs: Any = sys.modules.get("engine.jobs.scheduler")
    # A page's thread may be importing it just now: then nothing is open yet.
    if (opened := getattr(jobs, "_open_jobs", None)) and opened.cache_info().currsize:
        jobs.jobs().close()
        opened.cache_clear()
    config.settings.cache_clear()
    config._open_store.cache_clear()


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Give this test settings of its own, in a file as a person has one: `configured(data_folders={"mine": folder})`."""
    from engine.core import config

    def written(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(name)} = {written(inner)}" for name, inner in value.items()) + "}"
        return json.dumps(str(value) if isinstance(value, Path) else value)

    def settle(**settings: Any) -> None:
        file = tmp_path / "vitrine.toml"
        file.write_text("".join(f"{name} = {written(value)}\n" for name, value in settings.items()), encoding="utf-8")
        monkeypatch.setenv("VITRINE_CONFIG", str(file))
        config.settings.cache_clear()

    yield settle
    config.settings.cache_clear()


def hand_out(monkeypatch: pytest.MonkeyPatch, models: Mapping[str, Any]) -> None:
    """For one test the catalog has these models and no others; their names are their fingerprints."""
    from engine.models import catalog

    monkeypatch.setattr(catalog, "load", lambda name, device=None: models[name])
    monkeypatch.setattr(catalog, "fingerprint", lambda name: f"weights of {name}")


def compute_in(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """For one test the precision is this one, whatever the machine would compute in."""
    from engine.core import precision as decided

    monkeypatch.setattr(decided, "name", lambda device: precision)


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """This test's numbers are in float32."""
    compute_in(monkeypatch, "float32")


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """This test's matrix products are in bfloat16."""
    compute_in(monkeypatch, "bfloat16")


@pytest.fixture(scope="session")
def imagenet_photos() -> Path:
    """A folder of real labelled photos that is not part of the repository; tests that need it skip without it."""
    folder = Path(os.environ.get("VITRINE_TEST_PHOTOS") or ROOT.parent / "shared" / "data" / "imagenet-photos")
    if not folder.is_dir():
        pytest.skip(f"no folder of ImageNet photos at {folder}; VITRINE_TEST_PHOTOS may name one")
    return folder


@pytest.fixture(scope="session")
def python() -> str:
    """The Python that runs the tests, for tests that start another process."""
    return sys.executable


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Called with names of modules, some of them in `tmp_path`: they are what the setting `plugins` says in this test."""
    from engine.core import config, experiments

    monkeypatch.syspath_prepend(tmp_path)
    named: set[str] = set()

    def name(*modules: str) -> None:
        chosen = config.settings().model_copy(update={"plugins": modules})
        monkeypatch.setattr(experiments, "settings", lambda: chosen)
        named.update(module.partition(".")[0] for module in modules)

    yield name
    # Only what they brought: modules of the engine that were imported meanwhile would not be read a second time.
    for brought in [each for each in experiments._MARKED.values() if each.module.partition(".")[0] in named]:
        del experiments._MARKED[brought.name], experiments._KINDS[brought.name]
    if known := sys.modules.get("engine.models.sources.known"):
        known.SOURCES[:] = [each for each in known.SOURCES if type(each).__module__.partition(".")[0] not in named]
    experiments._of_plugin.cache_clear()
    for module in [module for module in sys.modules if module.partition(".")[0] in named]:
        del sys.modules[module]
