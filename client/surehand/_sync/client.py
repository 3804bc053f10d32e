"""The client of a Surehand installation."""

from functools import cached_property

from surehand._sync.exchange import Exchange
from surehand._sync.jobs import Jobs
from surehand._sync.links import Links
from surehand._sync.monitoring import Monitoring
from surehand._sync.people import Feedback, Gold, Reviewers
from surehand._sync.pool import Pool
from surehand._sync.projects import Projects, Webhooks
from surehand._sync.promises import Promises
from surehand._sync.reviewing import Review
from surehand._sync.tasks import Queue, Tasks
from surehand._sync.training import Decisions, Runs, Versions


class Surehand(Exchange):
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

    def review(self, project: str, *, wait_seconds: float | None = 0.0, count: int = 1) -> Review:
        """Return the work of the token's reviewer: iterate over it to get tasks.

        Parameters
        ----------
        wait_seconds : 0 to 60
            How long to wait for a task before the iteration ends; None waits for ever.
        count : 1 to 100
            How many tasks are leased at once: more save time between two, and keep them from
            other reviewers meanwhile.
        """
        return Review(self, project, wait_seconds, count)

    @cached_property
    def projects(self) -> Projects:
        """Create, change, archive and delete projects."""
        return Projects(self)

    @cached_property
    def links(self) -> Links:
        """Invite reviewers."""
        return Links(self)

    @cached_property
    def webhooks(self) -> Webhooks:
        """See the deliveries of webhooks."""
        return Webhooks(self)

    @cached_property
    def tasks(self) -> Tasks:
        """List, add, reopen and adjudicate tasks."""
        return Tasks(self)

    @cached_property
    def queue(self) -> Queue:
        """See what waits, and whether the reviewers keep up."""
        return Queue(self)

    @cached_property
    def reviewers(self) -> Reviewers:
        """See what reviewers did; pause them."""
        return Reviewers(self)

    @cached_property
    def gold(self) -> Gold:
        """Add and see items with a known label."""
        return Gold(self)

    @cached_property
    def feedback(self) -> Feedback:
        """Read and answer the reviewers' feedback."""
        return Feedback(self)

    @cached_property
    def pool(self) -> Pool:
        """Add unlabelled items, and ask for their labels."""
        return Pool(self)

    @cached_property
    def runs(self) -> Runs:
        """Train."""
        return Runs(self)

    @cached_property
    def jobs(self) -> Jobs:
        """Score a file, label the rest of a pool, export all labels."""
        return Jobs(self)

    @cached_property
    def versions(self) -> Versions:
        """See, promote, roll back and upload versions."""
        return Versions(self)

    @cached_property
    def promise(self) -> Promises:
        """See, certify, suspend and resume the promise."""
        return Promises(self)

    @cached_property
    def monitoring(self) -> Monitoring:
        """See whether the items have changed."""
        return Monitoring(self)

    @cached_property
    def decisions(self) -> Decisions:
        """See why items were answered, or went to people."""
        return Decisions(self)
