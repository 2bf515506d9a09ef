"""A real server that is asked to stop, or killed: what runs ends, or is offered again with the rest; what was done is there."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bench.soak import Server
from bench.visitor import Visitor
from tests.load.loops import apart


async def asks(visitor: Visitor, seed: int, seconds: float) -> None:
    await visitor.connect()
    await visitor.open()
    await visitor.open("background", f"experiment=numbers&seed={seed}&seconds={seconds}")
    await visitor.press(visitor.buttons("one_numbers_compute")[0])


def missing(server: Server) -> list[str]:
    """Why the server is not ready."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{server.facts['port']}/api/ready", timeout=10).close()
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["missing"]
    return []


@pytest.mark.slow
def test_a_server_that_is_asked_to_stop_drains_and_the_next_one_offers_the_rest(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()

    async def before() -> list[str]:
        first, second = (Visitor("127.0.0.1", server.facts["port"]) for _ in range(2))
        await asks(first, 1, 6.0)
        await asks(second, 2, 600.0)
        process = server.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        why = missing(server)
        await first.open("models")
        assert first.errors == [], "pages answer meanwhile"
        await asyncio.to_thread(process.wait, 60)
        return why

    assert apart(before()) == ["The server is about to stop."]
    assert "drained" in (tmp_path / "server.log").read_text()
    server.start()

    async def after() -> None:
        visitor = Visitor("127.0.0.1", server.facts["port"])
        await visitor.connect()
        await visitor.open()
        await visitor.open("background", "experiment=numbers&seed=1&seconds=6.0")
        assert "Mean" in visitor.metrics(), "what ran has ended, and is stored"
        await visitor.disconnect()

    try:
        apart(after())
        assert server.metrics()['vitrine_jobs{status="interrupted"}'] == 1
    finally:
        server.stop()


@pytest.mark.slow
def test_a_server_that_is_killed_keeps_what_was_done_and_the_next_one_offers_the_rest(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()

    async def until_shown(visitor: Visitor) -> None:
        for _ in range(60):
            await visitor.open("background", "experiment=numbers&seed=1&seconds=0.2")
            if "Mean" in visitor.metrics():
                return
            await asyncio.sleep(0.5)
        pytest.fail("What was computed was not shown.")

    async def before() -> None:
        first, second = (Visitor("127.0.0.1", server.facts["port"]) for _ in range(2))
        await asks(first, 1, 0.2)
        await until_shown(first)
        await asks(second, 2, 600.0)
        process = server.process
        assert process is not None
        process.kill()
        await asyncio.to_thread(process.wait, 60)

    async def after() -> None:
        visitor = Visitor("127.0.0.1", server.facts["port"])
        await visitor.connect()
        await visitor.open()
        await until_shown(visitor)
        assert visitor.errors == []
        await visitor.disconnect()

    apart(before())
    server.start()
    try:
        apart(after())
        assert server.metrics()['vitrine_jobs{status="interrupted"}'] == 1
    finally:
        server.stop()
