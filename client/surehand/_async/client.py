"""The client of a Surehand installation."""

from functools import cached_property

from surehand._async.exchange import AsyncExchange
from surehand._async.jobs import AsyncJobs
from surehand._async.links import AsyncLinks
from surehand._async.monitoring import AsyncMonitoring
from surehand._async.people import AsyncFeedback, AsyncGold, AsyncReviewers
from surehand._async.pool import AsyncPool
from surehand._async.projects import AsyncProjects, AsyncWebhooks
from surehand._async.promises import AsyncPromises
from surehand._async.reviewing import AsyncReview
from surehand._async.tasks import AsyncQueue, AsyncTasks
from surehand._async.training import AsyncDecisions, AsyncRuns, AsyncVersions


class AsyncSurehand(AsyncExchange):
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
        token of the installation. An empty one is not sent.
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

    def review(
        self, project: str, *, wait_seconds: float | None = 0.0, count: int = 1
    ) -> AsyncReview:
        """Return the work of the token's reviewer: iterate over it to get tasks.

        Parameters
        ----------
        wait_seconds : 0 to 60
            How long to wait for a task before the iteration ends; None waits for ever.
        count : 1 to 100
            How many tasks are leased at once: more save time between two, and keep them from
            other reviewers meanwhile.
        """
        return AsyncReview(self, project, wait_seconds, count)

    @cached_property
    def projects(self) -> AsyncProjects:
        """Create, change, archive and delete projects."""
        return AsyncProjects(self)

    @cached_property
    def links(self) -> AsyncLinks:
        """Invite reviewers."""
        return AsyncLinks(self)

    @cached_property
    def webhooks(self) -> AsyncWebhooks:
        """See the deliveries of webhooks."""
        return AsyncWebhooks(self)

    @cached_property
    def tasks(self) -> AsyncTasks:
        """List, add, reopen and adjudicate tasks."""
        return AsyncTasks(self)

    @cached_property
    def queue(self) -> AsyncQueue:
        """See what waits, and whether the reviewers keep up."""
        return AsyncQueue(self)

    @cached_property
    def reviewers(self) -> AsyncReviewers:
        """See what reviewers did; pause them."""
        return AsyncReviewers(self)

    @cached_property
    def gold(self) -> AsyncGold:
        """Add and see items with a known label."""
        return AsyncGold(self)

    @cached_property
    def feedback(self) -> AsyncFeedback:
        """Read and answer the reviewers' feedback."""
        return AsyncFeedback(self)

    @cached_property
    def pool(self) -> AsyncPool:
        """Add unlabelled items, and ask for their labels."""
        return AsyncPool(self)

    @cached_property
    def runs(self) -> AsyncRuns:
        """Train."""
        return AsyncRuns(self)

    @cached_property
    def jobs(self) -> AsyncJobs:
        """Score a file, label the rest of a pool, export all labels."""
        return AsyncJobs(self)

    @cached_property
    def versions(self) -> AsyncVersions:
        """See, promote, roll back and upload versions."""
        return AsyncVersions(self)

    @cached_property
    def promise(self) -> AsyncPromises:
        """See, certify, suspend and resume the promise."""
        return AsyncPromises(self)

    @cached_property
    def monitoring(self) -> AsyncMonitoring:
        """See whether the items have changed."""
        return AsyncMonitoring(self)

    @cached_property
    def decisions(self) -> AsyncDecisions:
        """See why items were answered, or went to people."""
        return AsyncDecisions(self)
