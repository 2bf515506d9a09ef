"""`doctor --deploy` says what is wrong with a configuration, and nothing where all is well."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli import deploy
from engine.core import config, devices, release
from engine.core.settings.whole import Settings
from tests.conftest import ROOT

WELL = {
    "access": {"login": "oidc", "operators": ["ann@uni.edu"]},
    "limits": {"seconds_per_job": 3600},
    "cache_limit_bytes": "1 MiB",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_store: Path) -> Path:
    """A server's folder in which all is well; tests spoil one thing each."""
    folder = tmp_path / "place"
    (folder / ".streamlit").mkdir(parents=True)
    shutil.copy(ROOT / ".streamlit" / "config.toml", folder / ".streamlit")
    secrets = folder / ".streamlit" / "secrets.toml"
    secrets.write_text(
        f'[auth]\ncookie_secret = "{"ab" * 32}"\nredirect_uri = "https://v.uni.edu/oauth2callback"\nclient_id = "v"\n'
    )
    secrets.chmod(0o600)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "v.uni.edu")
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    monkeypatch.setattr(deploy.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(deploy, "_clock_is_synchronised", lambda: True)
    monkeypatch.setattr(deploy.importlib.util, "find_spec", lambda name: object())
    return folder


def found(configured: Callable[..., None], **changed: object) -> list[str]:
    configured(**{**WELL, **changed})
    problems: list[str] = []
    deploy.check(problems, [])
    return problems


def test_all_is_well_where_all_is_well(place: Path, configured: Callable[..., None]) -> None:
    assert found(configured) == []


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION", "false", "enableXsrfProtection is false; write true"),
        ("STREAMLIT_SERVER_ENABLE_AGENT_API", "true", "enableAgentApi is true; write false"),
        ("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full", "showErrorDetails is full; write none"),
        ("STREAMLIT_SERVER_ALLOWED_HOSTS", "", "allowedHosts is empty"),
        ("FORWARDED_ALLOW_IPS", "*", "which address they come from"),
    ],
)
def test_an_option_that_opens_the_server_is_named(
    place: Path, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    (problem,) = found(configured)
    assert words in problem


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ab" * 32, "short", "cookie_secret"),
        ("https://v.uni.edu/oauth2callback", "http://v.uni.edu/oauth2callback", "redirect_uri"),
        ("[auth]", "[other]", "no table [auth]"),
    ],
)
def test_what_signing_in_needs_is_looked_at(
    place: Path, configured: Callable[..., None], old: str, new: str, words: str
) -> None:
    secrets = place / ".streamlit" / "secrets.toml"
    secrets.write_text(secrets.read_text().replace(old, new))
    (problem,) = found(configured)
    assert words in problem and "abab" not in problem, "no secret is shown"


def test_jobs_in_the_server_itself_are_remarked_upon(place: Path, configured: Callable[..., None]) -> None:
    for processes, times in {-1: 0, 0: 1, 1: 0}.items():
        configured(**WELL, cluster={"processes": processes})
        remarks: list[str] = []
        deploy.check([], remarks)
        assert sum("processes = 1" in each for each in remarks) == times, processes


def test_secrets_that_everybody_can_read_are_named(place: Path, configured: Callable[..., None]) -> None:
    (place / ".streamlit" / "secrets.toml").chmod(0o644)
    assert "chmod o=" in found(configured)[0]


def test_a_login_that_everybody_can_forge_or_that_is_missing_is_named(
    place: Path, configured: Callable[..., None]
) -> None:
    everyone = {"login": "proxy", "operators": ["ann"], "proxies": ["0.0.0.0/0"]}
    assert "believes every address" in found(configured, access=everyone)[0]
    config.settings.cache_clear()
    shut = (place / ".streamlit" / "config.toml").read_text()
    (place / ".streamlit" / "config.toml").write_text(shut.replace('address = "localhost"', 'address = "0.0.0.0"'))
    assert "Nobody signs in" in found(configured, access={"login": "none"})[0]


@pytest.mark.parametrize(("visitors", "demo", "times"), [("auto", False, 1), ("auto", True, 0), ("member", False, 0)])
def test_visitors_whom_a_proxy_can_make_operators_are_a_problem(
    place: Path, configured: Callable[..., None], visitors: str, demo: bool, times: int
) -> None:
    problems = found(configured, access={"login": "none", "visitors": visitors}, demo=demo)
    assert sum('Write visitors = "member"' in each for each in problems) == times, problems


def test_the_folder_the_disk_and_the_account_are_looked_at(
    place: Path, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy.os, "geteuid", lambda: 0)
    monkeypatch.setattr(deploy, "_file_system", lambda folder: "nfs4")
    monkeypatch.setattr(devices, "host_memory", lambda: (1 << 30, 1 << 29))
    problems = " ".join(found(configured, cache_limit_bytes="900 TiB"))
    for words in (
        "as root",
        "network disk (nfs4)",
        "short of what cache_limit_bytes",
        "more than half of this machine's",
    ):
        assert words in problems


def test_a_folder_that_cannot_be_written_is_a_sentence(place: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chosen = Settings(cache_folder=tmp_path / "file" / "below")
    ((serious, says),) = deploy._folder(chosen)
    assert serious and "cannot be written" in says


def test_a_clock_of_long_ago_is_a_problem(place: Path, configured: Callable[..., None], monkeypatch) -> None:
    monkeypatch.setattr(deploy.time, "time", lambda: 1.0)
    assert ["clock" in problem for problem in found(configured)] == [True]
    assert release.ROOT == ROOT
