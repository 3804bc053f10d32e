"""Doorbells over a real Redis that comes and goes, and the outbox that feeds them."""

import asyncio
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlmodel import MetaData, SQLModel, func, select

from shared import doorbells, outbox
from shared.db import Database
from shared.doorbells import Doorbells, wait_for
from tests.harness import wait_until
from tests.harness.servers import redis_binary


class Base(SQLModel):
    metadata = MetaData()


class Outbox(outbox.OutboxColumns, Base, table=True):
    pass


class Server:
    def __init__(self, folder: str) -> None:
        self.address = f"{folder}/redis.sock"
        self.folder = folder

    def start(self) -> None:
        command = [str(redis_binary()), "--port", "0", "--unixsocket", self.address]
        self.process = subprocess.Popen(
            [*command, "--dir", self.folder, "--save", ""], stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        Path(self.address).unlink(missing_ok=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="surehand-") as folder:
        redis = Server(folder)
        redis.start()
        yield redis
        redis.kill()


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[tuple[Doorbells, Doorbells]]:
    one, other = (Doorbells(f"unix://{server.address}") for _ in range(2))
    async with one.listening(), other.listening():
        await wait_until(lambda: one.connected and other.connected)
        yield one, other


async def test_ring_reaches_those_who_listen_to_it(pair: tuple[Doorbells, Doorbells]) -> None:
    ringer, listener = pair
    with (
        listener.hearing("tasks.shop") as exact,
        listener.hearing("tasks.*") as any_project,
        listener.hearing("tasks.bank") as another,
    ):
        assert await ringer.ring("tasks.shop")
        assert await wait_for(exact, 60)
        assert await wait_for(any_project, 60)
        assert not another.is_set()


async def test_waiters_are_forgotten(pair: tuple[Doorbells, Doorbells]) -> None:
    ringer, listener = pair
    with listener.hearing("tasks.shop") as left:
        pass
    with listener.hearing("tasks.shop") as stays:
        await ringer.ring("tasks.shop")
        assert await wait_for(stays, 60)
    assert not left.is_set()


async def test_lost_redis_wakes_everyone_when_it_is_back(
    server: Server, pair: tuple[Doorbells, Doorbells]
) -> None:
    ringer, listener = pair
    with listener.hearing("outcomes.shop") as rung:
        server.kill()
        await wait_until(lambda: not listener.connected)
        assert not await ringer.ring("outcomes.shop")
        server.start()
        # Nobody rings again: the reconnection itself says "look".
        assert await wait_for(rung, 60)


async def test_a_ring_that_is_cancelled_at_any_moment_says_so(
    pair: tuple[Doorbells, Doorbells],
) -> None:
    ringer, _ = pair
    cancelled = 0
    for moments in range(30):
        ringing = asyncio.create_task(ringer.ring("tasks.shop"))
        for _ in range(moments):
            await asyncio.sleep(0)
        if ringing.cancel():
            await asyncio.wait([ringing])
            assert ringing.cancelled(), f"it lost its cancellation after {moments} moments"
            cancelled += 1
    assert cancelled > 2


async def test_a_redis_that_does_not_answer_is_away(
    server: Server, pair: tuple[Doorbells, Doorbells], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbells, "_ANSWER_SECONDS", 0.1)
    ringer, listener = pair
    server.process.send_signal(signal.SIGSTOP)
    assert not await ringer.ring("tasks.shop")
    server.process.send_signal(signal.SIGCONT)
    assert await ringer.ring("tasks.shop")
    await wait_until(lambda: listener.connected)


async def test_without_redis_a_wait_lasts_its_time_out() -> None:
    bells = Doorbells("")
    async with bells.listening():
        with bells.hearing("tasks.shop") as rung:
            assert not await wait_for(rung, 0.01)
            assert await bells.ring("tasks.shop")
            assert await wait_for(rung, 0.01)


async def test_nobody_waits_once_the_service_stops() -> None:
    bells, stopping = Doorbells(""), asyncio.Event()
    async with bells.listening(stopping):
        with bells.hearing("tasks.shop") as waits:
            waiting = asyncio.create_task(wait_for(waits, 60))
            await asyncio.sleep(0)
            stopping.set()
            assert await waiting
        with bells.hearing("tasks.shop") as comes_late:
            assert await wait_for(comes_late, 60)


async def test_outbox_keeps_its_rows_until_the_bell_rang(
    sqlite_url: str, server: Server, pair: tuple[Doorbells, Doorbells]
) -> None:
    ringer, listener = pair
    database = Database(sqlite_url)

    async def waiting() -> int:
        async with database.reading() as session:
            return (await session.execute(select(func.count()).select_from(Outbox))).scalar_one()

    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(Base.metadata.create_all)
        outbox.add(session, Outbox, "tasks.shop", "tasks.shop", "outcomes.shop")
    server.kill()
    await wait_until(lambda: not ringer.connected)
    assert await outbox.relay(database, Outbox, ringer) == 0
    assert await waiting() == 2
    server.start()
    await wait_until(lambda: ringer.connected and listener.connected)
    with listener.hearing("tasks.shop") as rung:
        assert await outbox.relay(database, Outbox, ringer) == 2
        assert await wait_for(rung, 60)
    assert await waiting() == 0
    await database.dispose()


async def test_rolled_back_event_never_rings(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(Base.metadata.create_all)

    async def fail() -> None:
        async with database.transaction() as session:
            outbox.add(session, Outbox, "tasks.shop")
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await outbox.relay(database, Outbox, Doorbells("")) == 0
    await database.dispose()
