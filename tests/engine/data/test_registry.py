"""Data sets by name: the configured ones for everybody, paths only for the person who typed them."""

from __future__ import annotations

import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core import config
from engine.core.errors import BadRequest
from engine.core.request import one_request
from engine.data import registry
from engine.data.registry import dataset_names, open_dataset, paths_may_be_typed
from tests.engine.data.pictures import encoded, plain, scene


@pytest.fixture
def configured(monkeypatch, photos):
    settings = config.Settings(data_folders={"mine": photos})
    monkeypatch.setattr(registry, "settings", lambda: settings)


def test_data_sets_open_by_name(configured, parquet, monkeypatch):
    monkeypatch.setattr(registry, "STARTER", parquet)
    assert dataset_names() == ["starter", "photos", "mine"]
    assert len(open_dataset("starter")) == 5
    assert open_dataset("starter") is open_dataset("starter"), "opened once for the process"
    assert len(open_dataset("mine")) == 3


def test_a_path_opens_only_where_paths_may_be_typed_and_only_the_one_that_was(configured, photos, parquet):
    hostile = (str(photos), "../photos", "/etc", "nothing", "")
    with paths_may_be_typed():
        for name in hostile:
            with pytest.raises(BadRequest, match=r"There is no data set .* or the path of a folder"):
                open_dataset(name)
        assert len(open_dataset(str(photos), typed=True)) == 3
        assert len(open_dataset(str(parquet), typed=True)) == 5
        assert len(open_dataset(str(photos))) == 3, "now that somebody has typed it"
        with pytest.raises(BadRequest, match="or the path of a folder"):
            open_dataset(str(photos / "missing"), typed=True)
    for name in hostile:
        for typed in (False, True):
            with pytest.raises(BadRequest, match=r"Choose one of starter, photos, mine, or a folder added"):
                open_dataset(name, typed)


def test_a_path_that_one_thread_typed_stays_closed_to_the_others(configured, photos):
    refused = []

    def served() -> None:
        try:
            open_dataset(str(photos))
        except BadRequest as error:
            refused.append(error)

    with paths_may_be_typed():
        open_dataset(str(photos), typed=True)
        thread = threading.Thread(target=served)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_a_folder_is_listed_once_a_request_and_anew_for_the_next(configured, photos):
    with one_request():
        first = open_dataset("mine")
        (photos / "dog" / "c.png").write_bytes(encoded(plain(40)))
        assert open_dataset("mine") is first and len(first) == 3
    assert len(open_dataset("mine")) == 4


def test_a_file_is_read_once_for_the_process_until_it_changes(configured, parquet):
    with paths_may_be_typed():
        opened = open_dataset(str(parquet), typed=True)
        assert open_dataset(str(parquet)) is opened
        pq.write_table(pa.Table.from_pylist([scene(number) for number in range(3)]), parquet)
        assert len(open_dataset(str(parquet))) == 3


def test_a_folder_that_nobody_configured_is_refused(configured, photos, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.png").write_bytes(encoded(plain(1)))
    assert len(open_dataset("mine")) == 3
    with pytest.raises(BadRequest, match="There is no data set"):
        open_dataset(str(tmp_path / "other"))
