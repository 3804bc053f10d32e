"""What may be wrong with a service's address, told from how a request failed. Nothing is sent."""

import ssl

import httpx

from surehand.errors import ConfigurationError


def fault_of(error: httpx.TransportError, url: httpx.URL) -> ConfigurationError | None:
    """Return what is wrong with the address, if a failed request shows it.

    Examples
    --------
    >>> print(fault_of(httpx.UnsupportedProtocol("no scheme"), httpx.URL("http://a/")))
    no scheme
    """
    if isinstance(error, httpx.UnsupportedProtocol):
        return ConfigurationError(str(error))
    if url.scheme == "https" and _is_no_tls(error):
        return ConfigurationError(
            f"{_base(url)} does not speak TLS ({error}): does the address begin with http://?"
        )
    return None


def sentence_of(error: httpx.TransportError, url: httpx.URL, service: str) -> str:
    """Say how a request to a service failed."""
    said = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return f"The {service} did not answer in time ({said})."
    sentence = f"The {service} cannot be reached at {_base(url)} ({said})."
    # A server that expects TLS hangs up on plain text, or sends an alert, which is no HTTP.
    if url.scheme == "http" and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return f"{sentence} If it speaks TLS, its address begins with https://."
    return sentence


def detour_of(response: httpx.Response) -> ConfigurationError | None:
    """Return what is wrong with the address, if the answer is a redirection."""
    if not response.is_redirect:
        return None
    return ConfigurationError(
        f"{_base(response.url)} sends requests on to {response.headers['Location']}: name that "
        "address, if it is the service's."
    )


def doubt_of(url: httpx.URL, service: str) -> str:
    """Return the question to ask where something else than Surehand seems to have answered."""
    return f"Is {url.copy_with(query=None)} an address of the {service}?"


def _base(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"


def _is_no_tls(error: BaseException) -> bool:
    """Whether TLS failed, but for the certificate."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return not isinstance(cause, ssl.SSLCertVerificationError)
        cause = cause.__cause__ or cause.__context__
    return False
