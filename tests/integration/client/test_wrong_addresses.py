"""Addresses that are wrong: the error says what is."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from surehand import ConfigurationError, NotFound, ServerError, Surehand, Unavailable
from tests.integration.client.scripted import Answer, scripted


def ask(url: str | None = None, router: str | None = None) -> None:
    with Surehand(url, router=router, token="secret", retries=1) as client:
        client.model("shop")


def test_https_before_a_service_without_tls_is_said() -> None:
    said = pytest.raises(ConfigurationError, match="does the address begin with http://")
    with scripted(Answer()) as server, said:
        ask(router=server.url.replace("http://", "https://"))


def test_http_before_a_service_with_tls_is_said(tmp_path: Path) -> None:
    said = pytest.raises(Unavailable, match="its address begins with https://")
    with scripted(Answer(), tls=certified(tmp_path)) as server, said:
        ask(router=server.url)
    assert server.requests == []


def test_a_redirection_is_not_followed_but_named() -> None:
    moved = Answer(301, b"", {"Location": "https://surehand.example/v1/"})
    with scripted(moved) as server:
        with pytest.raises(ConfigurationError, match=r"on to https://surehand\.example/v1/: name"):
            ask(router=server.url)
        assert len(server.requests) == 1


def test_what_is_no_surehand_is_doubted() -> None:
    page = b"<h1>Welcome</h1>"
    for status, error in ((404, NotFound), (200, ServerError)):
        with scripted(Answer(status, page)) as server, pytest.raises(error) as caught:
            ask(router=server.url)
        asked = f"{server.url}/v1/projects/shop/model"
        assert f"Is {asked} an address of the router?" in str(caught.value)


def test_a_slash_at_the_end_of_an_address_does_no_harm() -> None:
    with scripted(Answer(404, b"{}")) as server:
        for where in ({"url": f"{server.url}/"}, {"router": f"{server.url}/router/"}):
            with pytest.raises(NotFound):
                ask(**where)
    assert {path for _, path, _ in server.requests} == {"/router/v1/projects/shop/model"}


def certified(folder: Path) -> ssl.SSLContext:
    """Return the context of a server with a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
