"""Every route that the typed calls use. A test holds them against the services' documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from surehand.models import (
    adjudications,
    jobs,
    labelling,
    lineage,
    links,
    monitoring,
    people,
    predictions,
    projects,
    promises,
    queue,
    shadow,
    tasks,
    training,
)
from surehand.models.base import Model

Answer = TypeVar("Answer", bound=Model)

ROUTER, QUEUE, TRAINER = "router", "review_queue", "trainer"
PROJECT = "/v1/projects/{project}"


def path_of(template: str, names: Mapping[str, str]) -> str:
    """Return a path with `names`, percent-encoded."""
    return template.format_map({name: quote(value, safe="") for name, value in names.items()})


@dataclass(frozen=True)
class Route:
    """One route of a service, whose answer is no JSON or nothing."""

    service: str
    method: str
    path: str

    def at(self, names: Mapping[str, str]) -> str:
        """Return the path with `names`, percent-encoded."""
        return path_of(self.path, names)


@dataclass(frozen=True)
class Endpoint(Route, Generic[Answer]):
    """One route; `answer` is what it returns. `is_idempotent`: a repeated POST acts once."""

    answer: type[Answer]
    is_idempotent: bool | None = None


@dataclass(frozen=True)
class Listing(Generic[Answer]):
    """One route that lists; its pages have their items under `plural`."""

    service: str
    path: str
    plural: str
    item: type[Answer]


@dataclass(frozen=True)
class Page(Generic[Answer]):
    """A page of a list, and the cursor of the next one; None after the last.

    `members` has what the page says beside its items, such as a ``note``.
    """

    items: list[Answer]
    cursor: str | None
    members: Mapping[str, Any]

    @classmethod
    def of(cls, listing: Listing[Answer], body: Mapping[str, Any]) -> "Page[Answer]":
        """Read a page from JSON."""
        items = [listing.item.model_validate(item) for item in body[listing.plural]]
        members = {k: v for k, v in body.items() if k not in {listing.plural, "cursor"}}
        return cls(items, body.get("cursor"), members)


def _acts_once(path: str, answer: type[Answer], service: str = QUEUE) -> Endpoint[Answer]:
    return Endpoint(service, "POST", path, answer, is_idempotent=True)


PREDICT = _acts_once(f"{PROJECT}/predict", predictions.PredictResponse, ROUTER)
ITEM_STATUS = Endpoint(ROUTER, "GET", PROJECT + "/items/{item_id}/outcome", predictions.ItemStatus)
ITEM_STATUSES = _acts_once(f"{PROJECT}/outcomes", predictions.ItemStatuses, ROUTER)
MODEL = Endpoint(ROUTER, "GET", f"{PROJECT}/model", predictions.ModelStatus)

OVERVIEW = Listing(QUEUE, "/v1/overview", "projects", projects.ProjectFigures)
PROJECTS = Listing(QUEUE, "/v1/projects", "projects", projects.Project)
GET_PROJECT = Endpoint(QUEUE, "GET", PROJECT, projects.Project)
PUT_PROJECT = Endpoint(QUEUE, "PUT", PROJECT, projects.Project)
PATCH_PROJECT = Endpoint(QUEUE, "PATCH", PROJECT, projects.Project)
PREVIEW_PUT = Endpoint(QUEUE, "PUT", PROJECT, projects.ProjectPreview, is_idempotent=True)
PREVIEW_PATCH = Endpoint(QUEUE, "PATCH", PROJECT, projects.ProjectPreview, is_idempotent=True)
DELETE_PROJECT = Endpoint(QUEUE, "DELETE", PROJECT, projects.ProjectDeletion)
ARCHIVE_PROJECT = _acts_once(f"{PROJECT}/archive", projects.Project)
UNARCHIVE_PROJECT = _acts_once(f"{PROJECT}/unarchive", projects.Project)
MAKE_LINK = Endpoint(QUEUE, "POST", f"{PROJECT}/links", links.OneTimeLink)
MAKE_LINK_TO_ALL = Endpoint(QUEUE, "POST", "/v1/links", links.OneTimeLink)
LINKS = Listing(QUEUE, f"{PROJECT}/links", "links", links.Link)
LINKS_TO_ALL = Listing(QUEUE, "/v1/links", "links", links.Link)
REVOKE_LINKS = _acts_once(f"{PROJECT}/links/revoke", links.RevokedLinks)
REVOKE_LINKS_TO_ALL = _acts_once("/v1/links/revoke", links.RevokedLinks)
# The code is used up by the first.
REDEEM_LINK = Endpoint(QUEUE, "POST", "/v1/links/redeem", links.LinkToken)
INSPECT_LINK = _acts_once("/v1/links/inspect", links.LinkInvitation)
RENEW_LINK = _acts_once("/v1/links/renew", links.LinkToken)
REQUEST_LINK = Route(QUEUE, "POST", "/v1/links/request")
WEBHOOKS = Listing(QUEUE, f"{PROJECT}/webhooks", "webhooks", projects.WebhookStatus)
ENABLE_WEBHOOK = _acts_once(PROJECT + "/webhooks/{webhook_id}/enable", projects.WebhookStatus)
TEST_WEBHOOK = Endpoint(
    QUEUE, "POST", PROJECT + "/webhooks/{webhook_id}/test", projects.WebhookTrial
)
DELIVERIES = Listing(
    QUEUE, f"{PROJECT}/webhooks/deliveries", "deliveries", projects.WebhookDelivery
)
RETRY_DELIVERY = Endpoint(
    QUEUE,
    "POST",
    PROJECT + "/webhooks/deliveries/{delivery_id}/retry",
    projects.WebhookDelivery,
)
ACTIVITY = Listing(QUEUE, f"{PROJECT}/activity", "activity", projects.ActivityEntry)
ALL_ACTIVITY = Listing(QUEUE, "/v1/activity", "activity", projects.ActivityEntry)

ADD_TASKS = _acts_once(f"{PROJECT}/tasks", tasks.TaskReceipts)
TASKS = Listing(QUEUE, f"{PROJECT}/tasks", "tasks", tasks.TaskSummary)
GET_TASK = Endpoint(QUEUE, "GET", PROJECT + "/tasks/{task_id}", tasks.TaskDetail)
REOPEN_TASK = Endpoint(QUEUE, "POST", PROJECT + "/tasks/{task_id}/reopen", tasks.TaskProgress)
ADJUDICATIONS = Listing(QUEUE, f"{PROJECT}/adjudications", "adjudications", adjudications.Case)
ADJUDICATE = Endpoint(QUEUE, "POST", PROJECT + "/tasks/{task_id}/adjudicate", tasks.TaskProgress)
VERDICT_FOR = Endpoint(QUEUE, "POST", PROJECT + "/tasks/{task_id}/verdicts", tasks.TaskProgress)
WITHDRAW = _acts_once(f"{PROJECT}/withdrawals", tasks.WithdrawalReceipts)
SECOND_OPINIONS = _acts_once(f"{PROJECT}/second-opinions", tasks.OpinionReceipts)
ERASE_ITEM = Endpoint(QUEUE, "DELETE", PROJECT + "/items/{item_id}", tasks.Tombstone)
# Repeated, it would hold further tasks; those of a lost answer are free once their leases expire.
LEASE = Endpoint(QUEUE, "POST", f"{PROJECT}/leases", tasks.Leases)
VERDICT = _acts_once("/v1/leases/{token}/verdict", tasks.LeaseProgress)
SKIP = _acts_once("/v1/leases/{token}/skip", tasks.LeaseProgress)
RELEASE = _acts_once("/v1/leases/{token}/release", tasks.LeaseProgress)
UNDO = _acts_once("/v1/leases/{token}/undo", tasks.LeaseProgress)
RENEW = _acts_once("/v1/leases/{token}/renew", tasks.Renewal)
OUTCOMES = Endpoint(QUEUE, "GET", f"{PROJECT}/outcomes", tasks.OutcomePage)
ITEM_OUTCOMES = _acts_once(f"{PROJECT}/outcomes", tasks.ItemOutcomes)
ITEM_OUTCOME = Endpoint(QUEUE, "GET", PROJECT + "/outcomes/{item_id}", tasks.ItemOutcome)
QUEUE_FORECAST = Endpoint(QUEUE, "GET", f"{PROJECT}/queue", queue.QueueForecast)
QUEUE_AGES = Endpoint(QUEUE, "GET", f"{PROJECT}/queue/ages", queue.QueueAges)
QUEUE_SERIES = Endpoint(QUEUE, "GET", f"{PROJECT}/queue/series", queue.FlowSeries)
CAPACITY = Endpoint(QUEUE, "GET", f"{PROJECT}/capacity", queue.CapacityForecast)
TIMINGS = Endpoint(QUEUE, "GET", f"{PROJECT}/timings", queue.Timings)
EXPORT = Route(QUEUE, "GET", f"{PROJECT}/export")
IMPORT = _acts_once(f"{PROJECT}/import", tasks.ImportReport)

REVIEWERS = Listing(QUEUE, f"{PROJECT}/reviewers", "reviewers", people.ReviewerReport)
MY_STATISTICS = Endpoint(QUEUE, "GET", f"{PROJECT}/reviewers/me", people.ReviewerStatistics)
MY_STANDING = Endpoint(QUEUE, "GET", f"{PROJECT}/reviewers/me/standing", people.Standing)
MY_INSTRUCTIONS = Endpoint(QUEUE, "PUT", f"{PROJECT}/reviewers/me/instructions", people.Standing)
MY_PROGRESS = Endpoint(QUEUE, "GET", f"{PROJECT}/reviewers/me/progress", people.Progress)
MY_LABELS = Endpoint(QUEUE, "GET", f"{PROJECT}/reviewers/me/labels", people.LabelCounts)
PAUSE = _acts_once(PROJECT + "/reviewers/{reviewer}/pause", people.ReviewerReport)
RESUME_REVIEWER = _acts_once(PROJECT + "/reviewers/{reviewer}/resume", people.ReviewerReport)
TAGS = Endpoint(QUEUE, "GET", PROJECT + "/reviewers/{reviewer}/tags", people.ReviewerTags)
PUT_TAGS = Endpoint(QUEUE, "PUT", PROJECT + "/reviewers/{reviewer}/tags", people.ReviewerTags)
AGREEMENT = Endpoint(QUEUE, "GET", f"{PROJECT}/agreement", people.Agreement)
HUMAN_ERROR = Endpoint(QUEUE, "GET", f"{PROJECT}/human-error", people.HumanError)
SUSPECTS = Listing(QUEUE, f"{PROJECT}/suspects", "suspects", people.Suspect)
ADD_GOLD = _acts_once(f"{PROJECT}/gold", people.GoldReceipts)
GOLD = Listing(QUEUE, f"{PROJECT}/gold", "gold", people.GoldTask)
VOUCH = Endpoint(QUEUE, "PUT", PROJECT + "/tasks/{task_id}/gold", people.GoldTask)
RETIRE_GOLD = Route(QUEUE, "DELETE", PROJECT + "/tasks/{task_id}/gold")
FEEDBACK = Listing(QUEUE, f"{PROJECT}/feedback", "feedback", people.FeedbackEntry)
GIVE_FEEDBACK = _acts_once(f"{PROJECT}/feedback", people.FeedbackEntry)
ANSWER_FEEDBACK = _acts_once(PROJECT + "/feedback/{feedback_id}/answer", people.FeedbackEntry)

ADD_TO_POOL = _acts_once(f"{PROJECT}/pool", training.PoolImport, TRAINER)
POOL_COUNTS = Endpoint(TRAINER, "GET", f"{PROJECT}/pool", training.PoolCounts)
# The client names each request by a key of its own.
ASK_POOL = _acts_once(f"{PROJECT}/pool/batches", labelling.Batch, TRAINER)
BATCHES = Listing(TRAINER, f"{PROJECT}/pool/batches", "batches", labelling.Batch)
POOL_ITEMS = Listing(TRAINER, f"{PROJECT}/pool/items", "items", labelling.PooledItem)
REMOVE_FROM_POOL = _acts_once(f"{PROJECT}/pool/removals", labelling.RemovedItems, TRAINER)
LABELLING = Endpoint(TRAINER, "GET", f"{PROJECT}/labelling", labelling.Labelling)
LEARNING_CURVE = Endpoint(TRAINER, "GET", f"{PROJECT}/learning-curve", labelling.LearningCurve)
START_RUN = _acts_once(f"{PROJECT}/runs", training.Run, TRAINER)
RUNS = Listing(TRAINER, f"{PROJECT}/runs", "runs", training.Run)
GET_RUN = Endpoint(TRAINER, "GET", PROJECT + "/runs/{run_id}", training.Run)
CANCEL_RUN = _acts_once(PROJECT + "/runs/{run_id}/cancel", training.Run, TRAINER)
DATASETS = Listing(TRAINER, f"{PROJECT}/datasets", "datasets", training.Dataset)
GET_DATASET = Endpoint(TRAINER, "GET", PROJECT + "/datasets/{dataset_id}", training.Dataset)
DOWNLOAD_DATASET = Route(TRAINER, "GET", PROJECT + "/datasets/{dataset_id}/download")
COMPARE_DATASETS = Endpoint(
    TRAINER, "GET", PROJECT + "/datasets/{dataset_id}/diff", training.DatasetDiff
)
# Repeated, it would be another job.
SCORE = _acts_once(f"{PROJECT}/scoring", jobs.Job, TRAINER)
AUTOLABEL = _acts_once(f"{PROJECT}/pool/autolabel", jobs.Job, TRAINER)
JOBS = Listing(TRAINER, f"{PROJECT}/jobs", "jobs", jobs.Job)
GET_JOB = Endpoint(TRAINER, "GET", PROJECT + "/jobs/{job_id}", jobs.Job)
CANCEL_JOB = _acts_once(PROJECT + "/jobs/{job_id}/cancel", jobs.Job, TRAINER)
JOB_RESULT = Route(TRAINER, "GET", PROJECT + "/jobs/{job_id}/result")
LABELS = Route(TRAINER, "GET", f"{PROJECT}/labels")
VERSIONS = Listing(TRAINER, f"{PROJECT}/versions", "versions", training.Version)
GET_VERSION = Endpoint(TRAINER, "GET", PROJECT + "/versions/{version}", training.Version)
UPLOAD_VERSION = Endpoint(TRAINER, "POST", f"{PROJECT}/versions", training.Version)
PUT_ENCODER = Endpoint(TRAINER, "PUT", f"{PROJECT}/encoder", training.Encoder)
GET_ENCODER = Endpoint(TRAINER, "GET", f"{PROJECT}/encoder", training.Encoder)
REMOVE_ENCODER = Route(TRAINER, "DELETE", f"{PROJECT}/encoder")
PROMOTE = _acts_once(PROJECT + "/versions/{version}/promote", training.Channels, TRAINER)
APPROVE = Endpoint(TRAINER, "POST", PROJECT + "/versions/{version}/approve", training.Version)
REJECT = Endpoint(TRAINER, "POST", PROJECT + "/versions/{version}/reject", training.Version)
PROMOTIONS = Listing(TRAINER, f"{PROJECT}/promotions", "events", training.PromotionEvent)
SHADOW_STAGES = Listing(TRAINER, f"{PROJECT}/shadow-stages", "stages", shadow.ShadowStage)
COMPARE = Endpoint(TRAINER, "GET", f"{PROJECT}/compare", training.Comparison)
RETIRE = _acts_once(PROJECT + "/versions/{version}/retire", training.Version, TRAINER)
# Twice would roll back two versions.
ROLL_BACK = Endpoint(TRAINER, "POST", f"{PROJECT}/rollback", training.Channels)
START_SHADOW = _acts_once(PROJECT + "/versions/{version}/shadow", training.Channels, TRAINER)
STOP_SHADOW = Endpoint(TRAINER, "DELETE", PROJECT + "/versions/{version}/shadow", training.Channels)
CANARY = _acts_once(f"{PROJECT}/canary", training.Channels, TRAINER)
CONFUSION = Endpoint(TRAINER, "GET", PROJECT + "/versions/{version}/confusion", training.Confusion)
DECISION_DAYS = Endpoint(TRAINER, "GET", f"{PROJECT}/decisions/days", training.DecisionDays)
DAYS_OF_PROJECTS = Endpoint(TRAINER, "GET", "/v1/decisions/days", training.DaysOfProjects)
LINEAGE = Endpoint(TRAINER, "GET", PROJECT + "/lineage/items/{item_id}", lineage.ItemLineage)
SIMILAR = Endpoint(TRAINER, "GET", PROJECT + "/items/{item_id}/similar", lineage.SimilarItems)
DECISIONS = Listing(TRAINER, f"{PROJECT}/decisions", "decisions", training.Decision)

PROMISE = Endpoint(TRAINER, "GET", f"{PROJECT}/promise", promises.Promise)
PROMISES = Endpoint(TRAINER, "GET", "/v1/promises", promises.Promises)
PROMISE_HISTORY = Listing(TRAINER, f"{PROJECT}/promise/history", "changes", promises.PromiseChange)
WHAT_IF = Endpoint(TRAINER, "GET", f"{PROJECT}/what-if", promises.WhatIf)
CERTIFICATE = Endpoint(TRAINER, "GET", f"{PROJECT}/certificate", promises.Certificate)
CERTIFY = Endpoint(TRAINER, "POST", f"{PROJECT}/certify", promises.Certificate)
SUSPEND = _acts_once(f"{PROJECT}/suspend", promises.Promise, TRAINER)
RESUME = _acts_once(f"{PROJECT}/resume", promises.Promise, TRAINER)
CERTIFICATE_EXPORT = Route(TRAINER, "GET", PROJECT + "/versions/{version}/certificate/export")
RELIABILITY = Endpoint(TRAINER, "GET", f"{PROJECT}/reliability", promises.Reliability)
AUDIT = Endpoint(TRAINER, "GET", f"{PROJECT}/audit", promises.Audits)
AUDIT_DAYS = Endpoint(TRAINER, "GET", f"{PROJECT}/audit/days", promises.AuditDays)
DRIFT = Endpoint(TRAINER, "GET", f"{PROJECT}/drift", monitoring.Drift)
RELABEL_PLAN = _acts_once(f"{PROJECT}/relabel-plans", monitoring.RelabelPlan, TRAINER)
RELABEL_PLANS = Endpoint(TRAINER, "GET", f"{PROJECT}/relabel-plans", monitoring.RelabelPlans)
RELABEL_SHOW = Endpoint(
    TRAINER, "GET", PROJECT + "/relabel-plans/{plan_id}", monitoring.RelabelPlan
)
RELABEL_START = _acts_once(
    PROJECT + "/relabel-plans/{plan_id}/start", monitoring.RelabelPlan, TRAINER
)
SLICE_CHANGES = Endpoint(
    TRAINER, "GET", PROJECT + "/versions/{version}/slices", monitoring.SliceChanges
)
SLICES = Endpoint(TRAINER, "GET", f"{PROJECT}/slices", monitoring.Slices)
DRIFT_ACCEPT = Endpoint(TRAINER, "POST", f"{PROJECT}/drift/accept", monitoring.Drift)
