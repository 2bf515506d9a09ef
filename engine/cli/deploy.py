"""`doctor --deploy`: would this configuration carry a group? Each problem says what is wrong and what to do about it.

What the web server is told (`.streamlit/config.toml`, `secrets.toml`, the environment) is read here as it is written: the
engine knows no Streamlit.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.cli.answer import size
from engine.core import config, release
from engine.core.settings.whole import Settings

FOLDER = ".streamlit"
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
WANTED: dict[str, tuple[Any, str]] = {
    "server.enableXsrfProtection": (True, "uploads would be taken from pages of other sites"),
    "server.enableCORS": (True, "pages of other sites could read this one"),
    "server.enableAgentApi": (False, "programs could drive pages without a login of their own"),
    "client.showErrorDetails": ("none", "visitors would read paths and traces"),
    "server.fileWatcherType": ("none", "the server would look through all files again and again"),
    "runner.postScriptGC": (False, "every click would wait for a collection of the whole heap"),
    "browser.gatherUsageStats": (False, "each page would report to Streamlit's makers"),
}
"""What each option of the web server must be, and what happens otherwise. Streamlit's own defaults are not all of these."""
DEFAULTS = {"server.enableXsrfProtection": True, "server.enableCORS": True, "server.enableAgentApi": False}
NETWORK_DISKS = ("nfs", "cifs", "smb", "fuse.sshfs", "lustre", "ceph", "glusterfs", "beegfs", "9p")
FEWEST_FILES, SHORTEST_SECRET = 4096, 32
SHORT_OF = 2 << 30


def check(problems: list[str], remarks: list[str]) -> dict[str, Any]:
    """Look at everything that only matters on a server; gives what was looked at."""
    chosen = config.settings()
    for look in (_web_server, _access, _folder, _system):
        for serious, says in look(chosen):
            (problems if serious else remarks).append(says)
    return {"address": option("server.address"), "hosts": option("server.allowedHosts"), "login": chosen.access.login}


def option(name: str) -> Any:
    """An option of the web server, as its files and the environment say it; None where nothing does."""
    table, key = name.split(".")
    variable = "STREAMLIT_" + "".join(f"_{c}" if c.isupper() else c for c in f"{table}_{key}").upper()
    if (given := os.environ.get(variable)) is not None:
        return True if given.lower() in TRUE else False if given.lower() in FALSE else given
    for folder in (Path(FOLDER), Path.home() / FOLDER):
        value = _read(folder / "config.toml").get(table, {}).get(key)
        if value is not None:
            return value
    return DEFAULTS.get(name)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _web_server(chosen: Settings) -> Iterator[tuple[bool, str]]:
    """Options of Streamlit, and who may reach what."""
    for name, (wanted, otherwise) in WANTED.items():
        if (found := option(name)) != wanted:
            yield True, f"{name} is {_told(found)}; write {_told(wanted)} in {FOLDER}/config.toml, or {otherwise}."
    if not option("server.allowedHosts"):
        yield (
            True,
            "server.allowedHosts is empty: any name in a request's Host is believed. Write the name that people type, like "
            'allowedHosts = ["vitrine.example.org"].',
        )
    if os.environ.get("FORWARDED_ALLOW_IPS") == "*":
        yield (
            True,
            "FORWARDED_ALLOW_IPS is *: anybody can say which address they come from. Write the address of your proxy.",
        )
    if importlib.util.find_spec("prometheus_client") is None:
        yield False, "There are no metrics: the package prometheus_client is not installed (requirements-metrics.txt)."
    elif not chosen.operating.metrics_token:
        yield (
            False,
            "Metrics are shown to this machine only; set VITRINE_METRICS_TOKEN for a Prometheus server elsewhere.",
        )


def _access(chosen: Settings) -> Iterator[tuple[bool, str]]:
    """Who may come in."""
    login = chosen.access.login
    if login == "none":
        told = "Nobody signs in: whoever reaches the server is a visitor. Set login in the table [access]"
        yield option("server.address") not in ("localhost", "127.0.0.1", "::1"), f"{told} (docs/hosting.md)."
        if chosen.access.visitors == "auto" and not chosen.demo:
            yield (
                True,
                'visitors in [access] is "auto": behind a proxy on this machine that hands on neither Host nor X-Forwarded-For '
                'everybody is an operator. Write visitors = "member" or "viewer", or let people sign in.',
            )
    if login == "proxy" and any(network.prefixlen == 0 for network in chosen.access.proxies):
        yield (
            True,
            "proxies in [access] believes every address: anybody could say who they are. Name your proxy's address.",
        )
    if login == "oidc":
        yield from _secrets(Path(FOLDER) / "secrets.toml")
        if importlib.util.find_spec("authlib") is None:
            yield True, "Signing in needs Authlib. Run: pip install -r requirements-login.txt -c constraints.txt"
    if login != "none" and not chosen.access.operators:
        yield True, "No operator is named: write operators in the table [access]."
    if not chosen.limits.seconds_per_job:
        yield (
            False,
            "A job may take as long as it likes: seconds_per_job in the table [limits] ends those that never do.",
        )


def _secrets(path: Path) -> Iterator[tuple[bool, str]]:
    """What signing in with OIDC needs."""
    auth = _read(path).get("auth", {})
    if not auth:
        yield True, f"{path} has no table [auth] (deploy/secrets.example.toml shows one)."
        return
    if len(str(auth.get("cookie_secret", ""))) < SHORTEST_SECRET:
        make = 'python3 -c "import secrets; print(secrets.token_hex(32))"'
        yield True, f"cookie_secret in {path} is missing or short, so logins could be forged. Make one: {make}"
    address = str(auth.get("redirect_uri", ""))
    if not (address.startswith("https://") and address.endswith("/oauth2callback")):
        yield True, f"redirect_uri in {path} must be https://NAME/oauth2callback, as the provider knows it."
    if path.stat().st_mode & 0o007:
        yield True, f"{path} can be read by everybody on this machine. Run: chmod o= {path}"


def _folder(chosen: Settings) -> Iterator[tuple[bool, str]]:
    """The cache folder: writable, private, on a local disk, with room."""
    folder = chosen.cache_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".doctor-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield True, f"The cache folder {folder} cannot be written ({error.strerror}). Give it to the server's account."
        return
    if (kind := _file_system(folder)).startswith(NETWORK_DISKS):
        yield (
            True,
            f"The cache folder lies on a network disk ({kind}), where SQLite loses data. Take a disk of this machine.",
        )
    used = config.store().stats()["bytes"]
    missing = chosen.cache_limit_bytes - used + SHORT_OF - shutil.disk_usage(folder).free
    if missing > 0:
        yield (
            True,
            f"The disk is {size(missing)} short of what cache_limit_bytes allows. Lower it, or take a larger disk.",
        )


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder lies on; empty where nobody tells."""
    try:
        lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = [(words[1], words[2]) for words in lines if folder.resolve().is_relative_to(words[1])]
    return max(above, key=lambda found: len(found[0]), default=("", ""))[1]


def _system(chosen: Settings) -> Iterator[tuple[bool, str]]:
    """Account, code, file handles, GPU, memory and clock."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield True, "This runs as root. Take an account of its own, with no rights but to its cache folder."
    elif os.access(release.ROOT / "engine", os.W_OK):
        yield False, f"The server's account may change its own code in {release.ROOT}; give that to root."
    yield from _handles()
    if Path("/dev/nvidia0").exists() and not _uses_gpu():
        yield (
            True,
            "There is an NVIDIA GPU that torch cannot use: install torch for CUDA, and see that the driver is not older.",
        )
    from engine.core import devices
    from engine.jobs.executors.places import devices_of

    if chosen.cluster.executor == "local" and not devices_of(chosen.cluster):
        yield (
            False,
            "Jobs are computed in the server itself: pages answer slowly while one runs. Write processes = 1 in the table "
            "[cluster].",
        )
    total, _ = devices.host_memory()
    if total and chosen.model_memory_bytes > total // 2:
        yield True, f"model_memory_bytes is more than half of this machine's memory ({size(total)}). Lower it."
    if time.time() < Path(__file__).stat().st_mtime - 86400:
        yield (
            True,
            "The clock is behind the installed files. Set it (timedatectl set-ntp true): leases and logins go by it.",
        )
    elif _clock_is_synchronised() is False:
        yield False, "The clock is not synchronised (timedatectl set-ntp true); logins fail when it is minutes off."


def _handles() -> Iterator[tuple[bool, str]]:
    try:
        import resource
    except ImportError:  # Windows
        return
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < FEWEST_FILES:
        yield (
            True,
            f"The server may open {most} files and sockets; allow {FEWEST_FILES} (LimitNOFILE in its unit, ulimit -n).",
        )


def _uses_gpu() -> bool:
    from engine.core import devices

    return devices.pick().type == "cuda"


def _clock_is_synchronised() -> bool | None:
    """As systemd says it; None where it says nothing."""
    if (program := shutil.which("timedatectl")) is None:
        return None
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(told)


def _told(value: Any) -> str:
    return {None: "not set", True: "true", False: "false"}.get(value, str(value))
