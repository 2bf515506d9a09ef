"""What the documents for operators promise is there."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from engine import __version__
from engine.cli.arguments.commands import parser
from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER, PHOTO_MODELS
from engine.core.config import read_settings
from engine.core.settings.access import Access
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"


def test_each_version_has_a_note_on_how_to_get_to_it() -> None:
    assert f"\n## {__version__}\n" in (ROOT / "docs" / "upgrading.md").read_text()


@pytest.mark.parametrize("name", ["expectations.md", "hosting.md"])
def test_every_file_that_is_named_is_there(name: str) -> None:
    text = (ROOT / "docs" / name).read_text()
    named = re.findall(r"`((?:tests|bench|deploy|docs)/[\w./-]+)`", text)
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_all_fifty_six_expectations_have_a_row() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "expectations.md").read_text(), re.MULTILINE)
    assert rows == [str(number) for number in range(1, 57)]


@pytest.mark.parametrize("name", ["vitrine.toml", "huggingface/demo.toml"])
def test_the_given_settings_can_be_read(name: str) -> None:
    assert read_settings(DEPLOY / name).operating


def test_no_secret_is_given_away() -> None:
    secrets = tomllib.loads((DEPLOY / "secrets.example.toml").read_text())["auth"]
    assert secrets["cookie_secret"] == secrets["client_secret"] == ""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines and not any("secrets" in line for line in lines if line.startswith("!"))


def test_the_image_copies_what_the_build_is_given_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in " ".join(copied).split():
        assert source in allowed and list(ROOT.glob(source)), source
    assert text.index("USER 1000:1000") < text.index("CMD [")


def test_service_managers_wait_for_the_running_job_and_its_last_step() -> None:
    from pages.routes.ending import LAST_STEP_SECONDS

    needed = read_settings(DEPLOY / "vitrine.toml").operating.drain_seconds + LAST_STEP_SECONDS
    for name, pattern in {
        "compose.yaml": r"stop_grace_period: (\d+)s",
        "vitrine.service": r"TimeoutStopSec=(\d+)",
        "kubernetes.yaml": r"terminationGracePeriodSeconds: (\d+)",
    }.items():
        (seconds,) = re.findall(pattern, (DEPLOY / name).read_text())
        assert int(seconds) >= needed, name


def test_proxies_take_what_the_server_takes() -> None:
    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]
    (nginx,) = re.findall(r"client_max_body_size (\d+)m", (DEPLOY / "nginx.conf").read_text())
    (caddy,) = re.findall(r"max_size (\d+)MB", (DEPLOY / "Caddyfile").read_text())
    assert int(nginx) > server["maxUploadSize"] and int(caddy) > server["maxUploadSize"]


def test_the_given_proxies_let_no_browser_say_who_somebody_is() -> None:
    names = {Access().user_header, Access().name_header, Access().groups_header, "X-Forwarded-User"}
    nginx, caddy = ((DEPLOY / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    assert names == {*re.findall(r'^ +proxy_set_header (\S+) "";$', nginx, re.MULTILINE)}
    assert names == {*re.findall(r"^\trequest_header -(\S+)$", caddy, re.MULTILINE)}


def test_a_server_is_installed_with_what_formats_notes() -> None:
    for name, line in {
        "deploy/Dockerfile": r"pip install .*requirements-notes\.txt",
        "deploy/huggingface/Dockerfile": r"pip install .*requirements-notes\.txt",
        "Makefile": r"\$\(LOGIN\): .*\n.*requirements-notes\.txt",
        "docs/hosting.md": r"pip install .*requirements-notes\.txt",
    }.items():
        assert re.search(line, (ROOT / name).read_text()), name


def test_the_given_settings_limit_what_people_ask_for_and_let_pages_open_what_they_begin_with() -> None:
    given = read_settings(DEPLOY / "vitrine.toml").limits
    assert given.seconds_per_job and given.hub_bytes > given.download_bytes and given.downloads == "operator"
    for model in (*DEFAULT_MODELS, *PHOTO_MODELS, DEFAULT_READER):
        assert any(fnmatchcase(model, pattern) for pattern in given.models), model


def test_the_image_says_where_it_listens_so_that_its_check_knows() -> None:
    for file in (DEPLOY / "Dockerfile", DEPLOY / "huggingface" / "Dockerfile"):
        assert "STREAMLIT_SERVER_ADDRESS=0.0.0.0" in file.read_text()


CLUSTERS = (ROOT / "docs" / "clusters.md").read_text()
CONTRACT = ROOT / "tests" / "engine" / "jobs" / "executors" / "test_contract.py"


@pytest.mark.parametrize(("title", "executor"), [("Dask", "dask"), ("SLURM", "slurm")])
def test_it_is_ten_lines_from_nothing_to_a_swept_model(title: str, executor: str, tmp_path: Path) -> None:
    section = CLUSTERS.partition(f"## {title}, from nothing\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    until = next(number for number, (_, text) in enumerate(blocks) if "engine sweep" in text)
    lines = "".join(text for _, text in blocks[: until + 1]).splitlines()
    assert len(lines) <= 10 and lines[0].startswith("pip install")
    command = lines[-1].partition("#")[0].split()
    assert parser().parse_args(command[3:]).executor == executor
    (tmp_path / "vitrine.toml").write_text("".join(text for kind, text in blocks[: until + 1] if kind == "toml"))
    assert read_settings(tmp_path / "vitrine.toml").cluster.model_dump(exclude_defaults=True)


def test_the_table_of_what_executors_promise_names_every_test_of_it() -> None:
    assert re.findall(r"^\| .* `(test_\w+)`", CLUSTERS, re.MULTILINE) == re.findall(
        r"^def (test_\w+)", CONTRACT.read_text(), re.MULTILINE
    )
