"""Settings come from defaults, a file and the environment, and what is wrong with them is said with file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core import config
from engine.core.config import Settings, read_settings
from engine.core.errors import BadRequest
from engine.core.settings.limits import Limits
from engine.core.settings.table import Table
from engine.core.settings.whole import MOVED

SETTING = re.compile(r"[a-z_]+ = .|\[[a-z_]+\]$")
EXAMPLE = Path(__file__).resolve().parents[3] / "vitrine.example.toml"


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each test reads the settings anew, in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VITRINE_CACHE", raising=False)
    monkeypatch.delenv("VITRINE_CONFIG", raising=False)
    monkeypatch.delenv("VITRINE_PRECISION", raising=False)
    monkeypatch.delenv("VITRINE_SHIPPED_RESULTS", raising=False)
    monkeypatch.delenv("VITRINE_PREPARE", raising=False)
    monkeypatch.delenv("VITRINE_METRICS_TOKEN", raising=False)
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()


def test_without_a_file_the_defaults_hold() -> None:
    found = config.settings()
    assert found == Settings()
    assert found.cache_folder == Path("~/.cache/vitrine").expanduser()
    assert (found.device, found.cache_limit_bytes, found.limits.jobs_per_person) == ("auto", 4 << 30, 4)


def test_settings_are_read_once_and_cannot_be_changed(tmp_path: Path) -> None:
    first = config.settings()
    (tmp_path / "vitrine.toml").write_text("threads = 7\n")
    assert config.settings() is first
    with pytest.raises(ValueError, match="frozen"):
        Settings.__setattr__(first, "threads", 3)


def test_a_file_in_the_current_folder_is_read_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "vitrine.toml").write_text(
        'cache_folder = "here"\ncache_limit_bytes = "3 GiB"\nmodel_memory_bytes = 5000000\n'
        'device = "cuda:1"\n[data_folders]\nbirds = "birds/val"\nhome = "~/photos"\n'
    )
    found = config.settings()
    assert found.cache_folder == tmp_path / "here"
    assert (found.cache_limit_bytes, found.model_memory_bytes, found.device) == (3 << 30, 5_000_000, "cuda:1")
    assert found.data_folders == {"birds": tmp_path / "birds/val", "home": Path("~/photos").expanduser()}


def test_the_environment_names_the_file_and_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "my.toml").write_text('cache_folder = "there"\nmodels_toml = "mine.toml"\n')
    monkeypatch.setenv("VITRINE_CONFIG", "elsewhere/my.toml")
    assert config.settings().cache_folder == tmp_path / "elsewhere" / "there"
    assert config.settings().models_toml == tmp_path / "elsewhere" / "mine.toml"
    config.settings.cache_clear()
    monkeypatch.setenv("VITRINE_CACHE", "cache-of-the-environment")
    assert config.settings().cache_folder == tmp_path / "cache-of-the-environment"


def test_a_named_file_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_CONFIG", "nowhere.toml")
    with pytest.raises(BadRequest, match=r"nowhere\.toml cannot be read"):
        config.settings()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("threads = 1\n\ndevice = \n", 3, "not valid TOML"),
        ("threads = 1\ndevice = 'tpu'\n", 2, 'device: write "auto", "cpu"'),
        ("\n\nthreads = -1\n", 3, "threads: write a whole number from 0 to 1024."),
        ("threads = 1000000\n", 1, "threads: write a whole number from 0 to 1024."),
        ("demo = 'perhaps'\n", 1, "demo: write true or false."),
        ("[limits]\njobs_waiting = 0\n", 2, "limits.jobs_waiting: write a whole number from 1 on."),
        ("model_memory_bytes = -5\n", 1, 'model_memory_bytes: write a size of 1 MiB or more, like "4 GiB".'),
        ("cache_limit_bytes = inf\n", 1, "cache_limit_bytes: write a size"),
        ("threads = 1\n[data_folders]\nstarter = 'x'\n", 3, "data_folders.starter: Vitrine has something of that name"),
        ("[data_folders]\nphotos = 'x'\n", 2, "choose another name."),
        ("[vocabularies]\nstarter = 'x'\n", 2, "vocabularies.starter: Vitrine has something of that name"),
        ("[vocabularies]\n'' = 'x'\n", 2, "the name is empty."),
        ("threads = 1\ncolour = 'red'\n", 2, "colour: there is no such setting"),
        ("cache_limit_bytes = 'much'\n", 1, "cache_limit_bytes: write a size"),
        ("cache_folder = 3\n", 1, "cache_folder: write a path"),
        ("threads = 1\n[data_folders]\nbirds = 3\n", 3, "data_folders.birds: write names with paths"),
        ("data_folders = 3\n", 1, "data_folders: write names with paths"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "vitrine.toml"
    path.write_text(text)
    with pytest.raises(BadRequest) as caught:
        config.settings()
    message = str(caught.value)
    assert str(path.name) in message and f"line {line}" in message and words in message
    assert "\n" not in message and len(message) < 400


FORMER = {
    "max_units_per_request": "units_per_request",
    "max_passes_per_picture": "passes_per_picture",
    "jobs_per_owner": "jobs_per_person",
    "queue_limit": "jobs_waiting",
}


@pytest.mark.parametrize(("before", "now"), FORMER.items())
def test_a_limit_by_its_former_name_is_the_same_limit_and_the_present_name_goes_before_it(
    tmp_path: Path, before: str, now: str
) -> None:
    assert MOVED.keys() == FORMER.keys()
    path = tmp_path / "former.toml"
    path.write_text(f"threads = 3\n{before} = 7\n")
    found = read_settings(path)
    assert getattr(found.limits, now) == 7 != getattr(Limits(), now) and found.threads == 3
    path.write_text(f"{before} = 7\n[limits]\nupload_days = 5\n")
    assert (getattr(read_settings(path).limits, now), read_settings(path).limits.upload_days) == (7, 5)
    path.write_text(f"{before} = 7\n[limits]\n{now} = 9\n")
    assert getattr(read_settings(path).limits, now) == 9
    path.write_text(f"threads = 3\n{before} = 0\n")
    with pytest.raises(BadRequest, match=f"line 2: limits.{now}: write a whole number from 1 on"):
        read_settings(path)


def tables_of(table: type[Table]) -> dict[str, type[Table]]:
    """The tables in a table of settings, by name."""
    found = {name: field.annotation for name, field in table.model_fields.items()}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Table)}


def test_every_setting_says_what_to_write() -> None:
    assert Settings.WRITE.keys() == Settings.model_fields.keys() - tables_of(Settings).keys()
    for table in tables_of(Settings).values():
        assert table.WRITE.keys() == table.model_fields.keys() - tables_of(table).keys()


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vitrine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRequest, match="not UTF-8"):
        config.settings()


def test_nobody_sweeps_in_a_demo_unless_that_is_written_down(configured: Callable[..., None]) -> None:
    for settings, most in (({}, 2), ({"demo": True}, 0), ({"demo": True, "limits": {"sweeps_per_person": 1}}, 1)):
        configured(**settings)
        assert config.settings().sweeps_limit == most


def test_demo_mode_lowers_the_number_of_units() -> None:
    assert Settings(limits=Limits(units_per_request=100), demo_max_units=5).units_limit == 100
    assert Settings(limits=Limits(units_per_request=100), demo_max_units=5, demo=True).units_limit == 5


def test_the_example_names_every_setting_with_its_default(tmp_path: Path) -> None:
    tables = {"data_folders", "vocabularies"}
    lines = [line.removeprefix("# ") for line in EXAMPLE.read_text().splitlines() if line.startswith("# ")]
    assert {f"[{table}]" for table in tables} <= set(lines)
    examples = ("birds = ", "common = ", *(f"[{table}]" for table in tables))
    body = [line for line in lines if SETTING.match(line) and not line.startswith(examples)]
    (tmp_path / "filled.toml").write_text("\n".join(body))
    assert read_settings(tmp_path / "filled.toml") == Settings(models_toml=tmp_path / "models.toml")
    written = tomllib.loads("\n".join(body))
    assert written.keys() - tables_of(Settings).keys() == Settings.WRITE.keys() - tables
    for name, table in tables_of(Settings).items():
        assert written.get(name, {}).keys() == table.model_fields.keys(), f"[{name}]"


def test_the_store_is_opened_once_in_the_cache_folder(own_store: Path) -> None:
    assert config.store() is config.store()
    assert config.store().folder == own_store / "results"
    assert config.store().limit_bytes == Settings().cache_limit_bytes


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("~nosuchperson/x", "nobody's home folder"),
        ("", "empty text"),
        ("a\\u0000b", "no path may have"),
        ("x" * 300, "too long"),
    ],
)
@pytest.mark.parametrize(("table", "name"), [("", "cache_folder"), ("[vocabularies]\n", "birds")])
def test_what_cannot_be_a_path_is_said_with_its_line(
    tmp_path: Path, table: str, name: str, value: str, words: str
) -> None:
    (tmp_path / "vitrine.toml").write_text(f'threads = 1\n{table}{name} = "{value}"\n')
    with pytest.raises(BadRequest, match=words) as caught:
        config.settings()
    message = str(caught.value)
    assert f"line {2 + bool(table)}" in message and name in message and "\0" not in message
    assert message.endswith(".") and not message.endswith("..") and len(message) < 300 + len(str(tmp_path))


def test_the_environment_goes_before_the_files_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vitrine.toml").write_text('precision = "float32"\n')
    assert config.settings().precision == "float32"
    config.settings.cache_clear()
    monkeypatch.setenv("VITRINE_PRECISION", "bfloat16")
    assert config.settings().precision == "bfloat16"
    config.settings.cache_clear()
    monkeypatch.setenv("VITRINE_PRECISION", "half")
    with pytest.raises(BadRequest, match='VITRINE_PRECISION is “half”; write "auto", "float32" or "bfloat16"'):
        config.settings()


def test_the_secret_for_metrics_comes_from_the_environment_first_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vitrine.toml").write_text(
        '[operating]\nmetrics_token = "0123456789abcdef"\nframe_ancestors = ["https://a.b"]\n'
    )
    monkeypatch.setenv("VITRINE_METRICS_TOKEN", "fedcba9876543210")
    operating = config.settings().operating
    assert (operating.metrics_token, operating.frame_ancestors) == ("fedcba9876543210", ("https://a.b",))
    assert "fedcba" not in repr(operating)
    monkeypatch.setenv("VITRINE_METRICS_TOKEN", "short")
    config.settings.cache_clear()
    with pytest.raises(BadRequest, match="16 characters or more"):
        config.settings()
