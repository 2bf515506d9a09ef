"""Names of browsers: what this server did not sign is none, and its secret is its own."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.people import browsers


@pytest.fixture(autouse=True)
def anew(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(browsers.VARIABLE, raising=False)
    browsers.secret.cache_clear()
    yield
    browsers.secret.cache_clear()


def test_a_name_comes_back_as_it_was_given_and_each_is_another() -> None:
    given = {browsers.new() for _ in range(20)}
    assert len({browsers.name_in(cookie) for cookie in given} - {None}) == 20


def test_what_we_did_not_sign_is_no_name() -> None:
    cookie = browsers.new()
    name, mark = cookie.split(".")
    other = browsers.new().split(".")[0]
    forged = ["", "gallery", "local", "the server", name, f"{name}.", f"{other}.{mark}", f"{name}.{'0' * 64}"]
    forged += [cookie.upper(), f"{cookie} ", f"{cookie}\n", f"{name}x.{mark}", None, 17, b"bytes"]
    assert [browsers.name_in(each) for each in forged] == [None] * len(forged)


def test_a_cookie_is_called_by_its_servers_secret_and_tells_nothing_of_it(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = browsers.cookie()
    assert browsers.is_cookie(ours) and ours == browsers.cookie() and browsers.secret()[:8] not in ours
    monkeypatch.setenv(browsers.VARIABLE, "s" * 32)
    browsers.secret.cache_clear()
    assert browsers.is_cookie(browsers.cookie()) and browsers.cookie() != ours
    assert not any(map(browsers.is_cookie, [browsers.FORMER, f"{ours}0", "_streamlit_xsrf", f"{ours[:-1]};"]))


def test_the_name_under_todays_cookie_goes_before_that_under_the_former_one(own_store: Path) -> None:
    new, old = browsers.new(), browsers.new()
    cookies = {browsers.FORMER: old, browsers.cookie(): new}
    assert browsers.name_among(cookies) == browsers.name_in(new)
    assert browsers.name_among(cookies | {browsers.cookie(): "forged"}) == browsers.name_in(old)
    assert browsers.name_among({browsers.FORMER: "forged"}) is None


def test_without_such_a_cookie_no_secret_is_made(own_store: Path) -> None:
    assert browsers.name_among({"_streamlit_xsrf": "x"}) is None and not (own_store / browsers.FILE).exists()


def test_the_secret_is_kept_for_its_owner_alone_and_is_the_same_after_a_restart(own_store: Path) -> None:
    cookie = browsers.new()
    file = own_store / browsers.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    browsers.secret.cache_clear()
    assert browsers.name_in(cookie) and stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("short")
    browsers.secret.cache_clear()
    assert browsers.name_in(cookie) is None and len(file.read_text()) == 64, "a damaged one is made anew"


def test_a_secret_that_is_given_goes_before_and_a_short_one_does_not_count(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(browsers.VARIABLE, "s" * 32)
    assert browsers.secret() == "s" * 32 and not (own_store / browsers.FILE).exists()
    browsers.secret.cache_clear()
    monkeypatch.setenv(browsers.VARIABLE, "short")
    assert browsers.secret() != "short"


def test_where_nothing_can_be_kept_names_hold_until_the_server_ends(own_store: Path) -> None:
    (own_store / browsers.FILE).mkdir()
    assert browsers.name_in(browsers.new())
