"""The client of a Surehand installation."""

from surehand._async.http import AsyncHttp


class AsyncSurehand(AsyncHttp):
    """The client of a Surehand installation.

    Many tasks or threads may use it at once. Close it, or use it in a ``with`` block; making one
    sends nothing.

    Parameters
    ----------
    url
        A gateway with the three services under ``/router``, ``/review_queue`` and
        ``/trainer``. Without any address, ``SUREHAND_URL``, else the installation on this
        machine (``SUREHAND_HOME``, else ``.surehand``).
    router, review_queue, trainer
        The addresses of single services; they come before `url`.
    token
        Without it, ``SUREHAND_TOKEN``, else, for services on this machine, the operator's
        token of the installation.
    timeout : seconds
        How long a service may take to answer, beside the time that a call asks it to wait.
    retries
        How often a failed call is repeated, or the whole policy.
    transport
        Instead of the network, for proxies of your own and for tests.

    Raises
    ------
    ConfigurationError
        No address or no token was found.
    """
