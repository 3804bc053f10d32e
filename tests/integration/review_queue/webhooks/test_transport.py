"""Connections to receivers: which are made, which are refused, and what comes of bad ones."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.review_queue.webhooks.transport import ReceiverAnswer, Transport
from tests.integration.review_queue.webhooks.receiver import Receiver

HEADERS = {"content-type": "application/json"}
# Ways to write loopback; the first ones really lead there.
LOOPBACK = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]


@contextlib.asynccontextmanager
async def transport(
    *addresses: str, allow_private: bool = False, seconds: float = 10
) -> AsyncIterator[tuple[Transport, list[str]]]:
    """A transport for which every name has `addresses`, and the names that it looked up."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(addresses)

    found = Transport(allow_private=allow_private, resolve=resolve, seconds=seconds)
    try:
        yield found, asked
    finally:
        await found.close()


@contextlib.asynccontextmanager
async def real(*, allow_private: bool) -> AsyncIterator[Transport]:
    found = Transport(allow_private=allow_private)
    try:
        yield found
    finally:
        await found.close()


def at(receiver: Receiver, host: str) -> str:
    return receiver.url.replace("127.0.0.1", host)


@pytest.mark.parametrize("host", LOOPBACK)
async def test_private_receiver_is_reached_only_where_that_is_allowed(
    receiver: Receiver, host: str
) -> None:
    async with real(allow_private=False) as strict:
        answer = await strict.post(at(receiver, host), HEADERS, b"{}")
    assert answer.error == "the name leads to an address that is not public"
    assert receiver.received == []
    async with real(allow_private=True) as open_to_all:
        assert (await open_to_all.post(at(receiver, host), HEADERS, b"{}")).status == 204
    assert len(receiver.received) == 1


@pytest.mark.parametrize("address", ["10.1.2.3", "169.254.169.254", "::1", "fd00::1", "0.0.0.0"])
async def test_name_with_one_private_address_among_others_is_refused(address: str) -> None:
    async with transport("1.1.1.1", address) as (strict, asked):
        answer = await strict.post("https://receiver.test/", HEADERS, b"{}")
    assert (answer.status, asked) == (None, ["receiver.test"])
    assert answer.error == "the name leads to an address that is not public"


async def test_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    # Nobody else knows this name: only the checked address can have been used.
    async with transport("127.0.0.1", allow_private=True) as (found, asked):
        url = at(receiver, "receiver.test")
        assert (await found.post(url, HEADERS, b"{}")).status == 204
        assert (await found.post(url, HEADERS, b"{}")).status == 204
    assert asked == ["receiver.test"]
    assert receiver.received[0].headers["host"].startswith("receiver.test:")


async def test_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    async with transport("::1", "127.0.0.1", allow_private=True) as (found, _):
        answer = await found.post(at(receiver, "receiver.test"), HEADERS, b"{}")
    assert answer.status == 204


async def test_name_that_does_not_resolve_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere_to_be_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere_to_be_found)
    async with real(allow_private=True) as found:
        answer = await found.post("https://no-such-name.invalid/", HEADERS, b"{}")
    assert answer.error == "the name cannot be resolved"
    async with transport(allow_private=True) as (nowhere, _):
        answer = await nowhere.post("https://receiver.test/", HEADERS, b"{}")
    assert answer.error == "the name has no address"


async def test_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with real(allow_private=True) as found:
        assert (await found.post(receiver.url, HEADERS, b"{}")).status == 204


@contextlib.asynccontextmanager
async def speaking(said: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that answers `said`, whatever it is asked; nothing if that is empty."""

    handlers: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        while said.endswith(b"endless"):
            writer.write(b"x" * 65_536)
            await writer.drain()
        if not said.startswith(b"HTTP"):
            await reader.read()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                await answer(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def said_by(said: bytes, seconds: float = 10) -> ReceiverAnswer:
    async with (
        speaking(said) as port,
        transport("127.0.0.1", allow_private=True, seconds=seconds) as (found, _),
    ):
        return await found.post(f"http://receiver.test:{port}/", HEADERS, b"{}")


async def test_receiver_that_says_nothing_is_left_after_a_while() -> None:
    assert (await said_by(b"", 0.3)).error == "no answer within 0.3 s"


async def test_receiver_that_speaks_no_http_is_a_failure() -> None:
    answer = await said_by(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    assert answer.status is None
    assert str(answer.error).startswith("not HTTP")


async def test_answer_without_end_is_not_read_to_its_end() -> None:
    assert (await said_by(b"HTTP/1.1 200 OK\r\n\r\nendless")).status == 200


async def test_answer_keeps_what_it_says_of_coming_again() -> None:
    said = b"HTTP/1.1 503 Nope\r\nRETRY-After: 7\r\nContent-Length: 0\r\n\r\n"
    assert await said_by(said) == ReceiverAnswer(503, reason="Nope", retry_after="7")


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """TLS of `receiver.test`, whose certificate this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.test")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    # Read anew: what this process trusts else was read once, without this file.
    monkeypatch.setattr(f"{Transport.__module__}._trusted_authorities", httpx.create_ssl_context)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_tls_verifies_the_name_though_the_connection_goes_to_an_address(
    certified: ssl.SSLContext,
) -> None:
    said = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with (
        speaking(said, certified) as port,
        transport("127.0.0.1", allow_private=True) as (found, _),
    ):
        good = await found.post(f"https://receiver.test:{port}/", HEADERS, b"{}")
        bad = await found.post(f"https://somebody.test:{port}/", HEADERS, b"{}")
    assert (good.status, good.error) == (204, None)
    assert bad.status is None
    assert "certificate" in str(bad.error).lower()
