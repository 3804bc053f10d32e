"""Doorbells: "something changed, look now", over Redis pub/sub. Never the truth.

Whoever waits also polls. Without Redis every wait simply lasts its time-out.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.logs import cause_of
from shared.loops import Loop, cancel_all
from shared.telemetry import DOORBELLS

log = structlog.get_logger()

_PREFIX = "surehand:"
_POLLS_A_REST = 10
_CONNECT_SECONDS, _ANSWER_SECONDS, _LISTEN_SECONDS = 1.0, 5.0, 2.0


# Returns whether the client that waits has disconnected.
Gone = Callable[[], Awaitable[bool]]


def _of_project(topic: str) -> Callable[[str], str]:
    """Return what gives a project's bell of `topic`."""
    return lambda project: f"{topic}.{project}"


project_bell = _of_project("project")
"""Rung when project.json changed."""
versions_bell = _of_project("versions")
"""Rung when channels.json or promise.json changed."""
tasks_bell = _of_project("tasks")
"""Rung when tasks can be leased."""
outcomes_bell = _of_project("outcomes")
"""Rung when outcomes were added to the feed."""
decisions_bell = _of_project("decisions")
"""Rung when a segment of the decision log was stored."""


class BellEvent(asyncio.Event):
    """Set at each ring; remembers which bells rang, until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._bells: set[str] = set()
        self._may_have_missed = True

    def ring(self, bell: str) -> None:
        """Note one ring."""
        self._bells.add(bell)
        self.set()

    def miss(self) -> None:
        """Note that bells may have rung unheard."""
        self._may_have_missed = True
        self.set()

    def take(self) -> tuple[set[str], bool]:
        """Return the projects of the bells that rang since, and whether others may have rung."""
        projects = {bell.partition(".")[2] for bell in self._bells}
        missed, self._may_have_missed = self._may_have_missed, False
        self._bells.clear()
        return projects, missed


class Doorbells:
    """Ring bells, and wait for them. One subscription a process serves every waiter."""

    def __init__(self, url: str) -> None:
        # With a `socket_timeout`, redis-py sends by `asyncio.wait_for`, which loses a cancellation
        # before Python 3.12. Each call has a time limit of ours instead.
        self._redis = (
            Redis.from_url(
                url,
                socket_connect_timeout=_CONNECT_SECONDS,
                socket_timeout=None,
                retry=Retry(NoBackoff(), 0),
            )
            if url
            else None
        )
        self._waiters: dict[str, set[BellEvent]] = {}
        self._pubsub: PubSub | None = None
        self._stopped = False
        no_rest = partial(asyncio.sleep, 0)
        self.loop = Loop("doorbells", self._hear, no_rest, expected=(RedisError, OSError))

    @contextlib.asynccontextmanager
    async def listening(self, stopping: asyncio.Event | None = None) -> AsyncIterator["Doorbells"]:
        """Listen while the block lasts; once `stopping` is set, nobody waits any more."""
        ended = None if stopping is None else asyncio.create_task(self._stop(stopping))
        try:
            async with contextlib.nullcontext() if self._redis is None else self.loop.running():
                yield self
        finally:
            if ended is not None:
                await cancel_all([ended])
            await self._hang_up()
            if self._redis is not None:
                await self._redis.aclose()

    @property
    def connected(self) -> bool:
        """Say whether bells are heard at this moment."""
        return self._pubsub is not None

    def rest_seconds(self, poll_seconds: float) -> float:
        """Return how long to wait for a bell: a poll, ten of them while bells are heard."""
        return poll_seconds * (_POLLS_A_REST if self.connected else 1)

    async def ring(self, *bells: str) -> bool:
        """Ring `bells`; False, and nothing raised, when Redis is away."""
        self._wake(bells)
        if self._redis is None or not bells:
            return True
        try:
            async with (
                asyncio.timeout(_ANSWER_SECONDS),
                self._redis.pipeline(transaction=False) as pipeline,
            ):
                for bell in bells:
                    pipeline.publish(_PREFIX + bell, "")
                await pipeline.execute()
        except (RedisError, OSError) as error:
            DOORBELLS.labels("failed").inc(len(bells))
            log.warning("doorbell_failed", cause=cause_of(error))
            return False
        DOORBELLS.labels("rung").inc(len(bells))
        return True

    @contextlib.contextmanager
    def hearing(self, *bells: str) -> Iterator[BellEvent]:
        """Give an event that is set at each ring of `bells` (`versions.*` hears every project).

        Enter before looking at the truth, so that a ring between the look and the wait is heard.
        """
        rung = BellEvent()
        if self._stopped:
            rung.set()
        for bell in bells:
            self._waiters.setdefault(bell, set()).add(rung)
        try:
            yield rung
        finally:
            for bell in bells:
                waiters = self._waiters[bell]
                waiters.discard(rung)
                if not waiters:
                    del self._waiters[bell]

    def _wake(self, bells: tuple[str, ...]) -> None:
        for bell in bells:
            topic, _, _ = bell.partition(".")
            for rung in (*self._waiters.get(bell, ()), *self._waiters.get(f"{topic}.*", ())):
                rung.ring(bell)

    def _wake_everyone(self) -> None:
        for waiters in self._waiters.values():
            for rung in waiters:
                rung.miss()

    async def _stop(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._stopped = True
        self._wake_everyone()

    async def _hear(self) -> None:
        """Wait for one bell, some seconds at most; subscribe first where that is not done."""
        try:
            async with asyncio.timeout(_LISTEN_SECONDS + _ANSWER_SECONDS):
                if self._pubsub is None:
                    await self._subscribe()
                elif message := await self._pubsub.get_message(timeout=_LISTEN_SECONDS):
                    self._wake((message["channel"].decode().removeprefix(_PREFIX),))
        except BaseException:
            await self._hang_up()
            raise

    async def _subscribe(self) -> None:
        assert self._redis is not None
        pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            await pubsub.psubscribe(f"{_PREFIX}*")
        except BaseException:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
            raise
        self._pubsub = pubsub
        # What rang while nobody listened is not repeated: everyone looks once.
        self._wake_everyone()

    async def _hang_up(self) -> None:
        if self._pubsub is not None:
            pubsub, self._pubsub = self._pubsub, None
            # They poll more often from now on.
            self._wake_everyone()
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]


async def wait_for(rung: asyncio.Event, seconds: float) -> bool:
    """Wait until `rung` is set, at most `seconds`, and clear it; say whether it was set."""
    try:
        async with asyncio.timeout(seconds):
            await rung.wait()
    except TimeoutError:
        return False
    rung.clear()
    return True
