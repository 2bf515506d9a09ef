"""Who may come in, in a real browser, with a sign-in service that the test runs: a stranger, a viewer, a member, an operator."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.browser.driving import AppServer, settled, visit
from tests.browser.serving import app_with_login, server_in, sign_in, sign_in_service

PEOPLE = {
    "olga": {"email": "olga@uni.edu", "email_verified": True, "name": "Olga"},
    "ann": {"email": "ann@lab.uni.edu", "email_verified": True, "name": "Ann"},
    "vic": {"email": "vic@else.org", "email_verified": True, "name": "Vic", "groups": ["guests"]},
    "eve": {"email": "eve@evil-uni.edu", "email_verified": True, "name": "Eve"},
    "una": {"email": "una@lab.uni.edu", "email_verified": False, "name": "Una"},
    "max": {
        "email": "max@lab.uni.edu",
        "email_verified": True,
        "name": None,
        "groups": [f"group number {number} of a very large organisation" for number in range(200)],
        "address": {"nested": [{"deep": None}, 1.5, "\u0000 \ud83d\ude00"]},
    },
}
ACCESS = """
[access]
login = "oidc"
operators = ["olga@uni.edu"]
members = ["@lab.uni.edu"]
viewers = ["group:guests"]
"""
PICTURE = "photo?data=starter&image=3&models=starter-vit"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with sign_in_service(PEOPLE) as address:
        yield address


@pytest.fixture(scope="module")
def guarded(browser: Browser, provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app with a login."""
    with app_with_login(tmp_path_factory.mktemp("guarded"), provider, ACCESS) as server:
        yield server


def test_whoever_has_not_signed_in_sees_nothing_but_the_way_in(guarded: AppServer, page: Page) -> None:
    for path in ("", PICTURE, "activity", "models"):
        visit(page, f"{guarded.url}/{path}", 120)
        expect(page.get_by_text("This server is for people who signed in.")).to_be_visible()
        assert page.locator("[data-testid=stMain] img").count() == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("eve", "signed in as eve@evil-uni.edu, who is not on the list of this server"),
        ("una", "does not say that your address is verified"),
    ],
)
def test_a_stranger_is_refused_with_the_reason(guarded: AppServer, page: Page, name: str, why: str) -> None:
    sign_in(page, guarded, name)
    expect(page.get_by_text(why, exact=False)).to_be_visible()
    visit(page, f"{guarded.url}/{PICTURE}")
    expect(page.get_by_text(why, exact=False)).to_be_visible()
    assert page.locator("[data-testid=stMain] img").count() == 0


def test_a_viewer_opens_what_is_there_and_computes_nothing(guarded: AppServer, page: Page) -> None:
    sign_in(page, guarded, "vic")
    expect(page.get_by_text("Vic · viewer. You may open what is computed.")).to_be_visible()
    visit(page, f"{guarded.url}/{PICTURE}", 120)
    expect(page.get_by_text("computing is for members", exact=False).first).to_be_visible(timeout=60_000)
    visit(page, f"{guarded.url}/feature_visualization", 120)
    page.get_by_role("button", name="Run", exact=True).first.click()
    settled(page, 60)
    assert "Traceback" not in page.content()


def spoken(server: AppServer, page: Page, link: str, pressed: str = "") -> list[ForwardMsg]:
    """What the server answers to somebody who speaks its websocket by hand, with the cookies of this browser: a link's page is
    run, and then with this button pressed, whether or not it was drawn."""
    cookies = {each["name"]: each["value"] for each in page.context.cookies() if "value" in each and "name" in each}
    address = server.url.replace("http", "ws") + "/_stcore/stream"
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    protocols = [Subprotocol("streamlit"), Subprotocol(cookies.get("_streamlit_xsrf", ""))]
    path, _, query = link.partition("?")
    heard: list[ForwardMsg] = []
    with connect(
        address, subprotocols=protocols, origin=Origin(server.url), additional_headers=headers, max_size=None
    ) as socket:
        for trigger in dict.fromkeys(["", pressed]):
            asked = BackMsg()
            asked.rerun_script.page_name, asked.rerun_script.query_string = path, query
            if trigger:
                state = asked.rerun_script.widget_states.widgets.add()
                state.id, state.trigger_value = trigger, True
            socket.send(asked.SerializeToString())
            heard += until_done(socket)
    return heard


def until_done(talk: ClientConnection) -> list[ForwardMsg]:
    """What comes until a page has run to its end."""
    heard: list[ForwardMsg] = []
    while not (heard and heard[-1].WhichOneof("type") == "script_finished" and not heard[-1].script_finished):
        heard.append(ForwardMsg.FromString(cast(bytes, talk.recv(timeout=120))))
    return heard


def button_ids(heard: list[ForwardMsg], key: str) -> list[str]:
    drawn = [each.delta.new_element for each in heard]
    buttons = [element.button.id for element in drawn if element.WhichOneof("type") == "button"]
    return [id for id in buttons if id.endswith(f"-{key}")]


def test_a_viewer_computes_nothing_by_hand_either(guarded: AppServer, new_page: Callable[..., Page]) -> None:
    ann, vic = sign_in(new_page(), guarded, "ann"), sign_in(new_page(), guarded, "vic")
    link = "spatial?a=starter-vit&unit=5"
    (offer,) = button_ids(spoken(guarded, ann, link), "sp_compute")
    heard = spoken(guarded, vic, link)
    assert button_ids(heard, "sp_compute") == [] and len(heard) > 20, "the page came, without the button"
    spoken(guarded, vic, link, offer)
    (run,) = button_ids(heard, "sp_run")
    said = str(spoken(guarded, vic, link, run))
    noted = [json.loads(line) for line in (guarded.cache / "audit" / "audit.jsonl").read_text().splitlines()]
    assert {line["outcome"] for line in noted if line["name"] == "Vic"} == {"refused"}
    assert "You may not compute here" in said
    spoken(guarded, ann, link, offer)
    noted = [json.loads(line) for line in (guarded.cache / "audit" / "audit.jsonl").read_text().splitlines()]
    assert not any(line["name"] == "Ann" and line["outcome"] == "refused" for line in noted)


def test_without_the_cookies_of_a_sign_in_the_websocket_gives_nothing(guarded: AppServer, page: Page) -> None:
    visit(page, guarded.url, 120)
    page.context.add_cookies([{"name": "_streamlit_user", "value": "forged", "url": guarded.url}])
    page.context.add_cookies([{"name": "vitrine_browser", "value": "local", "url": guarded.url}])
    said = str(spoken(guarded, page, PICTURE))
    assert "This server is for people who signed in" in said and "starter-vit" not in said


def test_a_member_computes_and_the_operator_sees_who_did_what(
    guarded: AppServer, new_page: Callable[..., Page]
) -> None:
    ann = sign_in(new_page(), guarded, "ann")
    expect(ann.get_by_text("Ann · member. You may compute.")).to_be_visible()
    visit(ann, f"{guarded.url}/{PICTURE}", 120)
    expect(ann.get_by_role("button", name="ZIP")).to_be_visible(timeout=300_000)
    visit(ann, f"{guarded.url}/activity")
    expect(ann.get_by_text("You may not see what others do here", exact=False)).to_be_visible()
    olga = sign_in(new_page(), guarded, "olga")
    visit(olga, f"{guarded.url}/activity", 60)
    expect(olga.get_by_role("heading", name="What people did")).to_be_visible()
    noted = [json.loads(line) for line in (guarded.cache / "audit" / "audit.jsonl").read_text().splitlines()]
    assert {("Ann", "done")} <= {(line["name"], line["outcome"]) for line in noted}
    assert not [line for line in noted if line["name"] == "Vic" and line["outcome"] == "done"]


def test_claims_of_any_shape_and_size_lead_to_a_page(guarded: AppServer, page: Page) -> None:
    sign_in(page, guarded, "max")
    expect(page.get_by_text("max@lab.uni.edu · member", exact=False)).to_be_visible()


def test_signing_out_ends_the_session_of_the_sign_in_service(guarded: AppServer, provider: str, page: Page) -> None:
    sign_in(page, guarded, "ann")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(re.escape(provider) + ".*end_session"))
    visit(page, guarded.url)
    expect(page.get_by_text("This server is for people who signed in.")).to_be_visible()


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app behind a proxy that signs people in, whose address is another of this machine."""
    folder = tmp_path_factory.mktemp("behind")
    server = server_in(folder)
    (folder / "vitrine.toml").write_text(BEHIND)
    server.environment = {"VITRINE_CONFIG": str(folder / "vitrine.toml")}
    server.start()
    yield server
    server.stop()


BEHIND = """
[access]
login = "proxy"
proxies = ["127.0.0.2/32"]
members = ["@uni.edu"]
user_header = "X-Remote-User"
"""


def asks(port: int, source: str, headers: dict[str, str]) -> str:
    """What a page's websocket says to a connection from this address of the machine with these headers."""
    with socket.create_connection(("127.0.0.1", port), source_address=(source, 0)) as line:
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        with connect(address, sock=line, subprotocols=[Subprotocol("streamlit")], additional_headers=headers) as talk:
            asked = BackMsg()
            asked.rerun_script.page_name = "models"
            talk.send(asked.SerializeToString())
            return str(until_done(talk)).replace("\\", "")


def test_a_login_in_headers_is_accepted_from_the_proxy_and_from_nowhere_else(behind: AppServer) -> None:
    port, ann = behind.port, {"X-Remote-User": "ann@uni.edu"}
    assert "ann@uni.edu · member" in asks(port, "127.0.0.2", ann)
    forged = [{}, {"X-Forwarded-For": "127.0.0.2"}, {"X-Real-IP": "127.0.0.2"}, {"Forwarded": "for=127.0.0.2"}]
    for more in forged:
        for source in ("127.0.0.1", "127.0.0.3"):
            said = asks(port, source, ann | more)
            assert "Open it through the address at which your organisation signs you in" in said
            assert "ann@uni.edu" not in said
    assert "eve@evil.org, who is not on the list" in asks(port, "127.0.0.2", {"X-Remote-User": "eve@evil.org"})
