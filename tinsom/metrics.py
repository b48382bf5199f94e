"""Every metric, in one place; names are the contract of dashboards and rules (docs/metrics.md).

Labels are closed lists or operator-chosen aliases, never a URL, an item, a chat or an error text.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client import generate_latest as _render

disable_created_metrics()  # type: ignore[no-untyped-call]

_FAST = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
_SLOW = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 900, 3600)

BUILD = Info("tinsom_build", "Version of the running program")
CONFIG_GOOD = Gauge(
    "tinsom_config_last_reload_successful", "1 if the newest configuration was taken, 0 if refused"
)
CONFIG_TAKEN = Gauge(
    "tinsom_config_last_reload_success_timestamp_seconds", "When a configuration was taken last, start included"
)
ITEMS = Counter("tinsom_items", "Records by stage and the one outcome each ended in", ["stage", "outcome"])
STAGE_LATENCY = Histogram(
    "tinsom_stage_latency_seconds", "From fetch to the end of a stage", ["stage"], buckets=_SLOW
)
END_TO_END = Histogram(
    "tinsom_end_to_end_seconds", "From fetch to accepted by the channel", ["channel", "priority"], buckets=_SLOW
)
WATERMARK = Gauge("tinsom_watermark_timestamp_seconds", "Fetch time of the newest record handled", ["stage"])
LAG_SECONDS = Gauge("tinsom_lag_seconds", "Age of the oldest unread record, 0 when caught up", ["stage"])
LAG_RECORDS = Gauge("tinsom_lag_records", "Unread records", ["stage"])
HIDDEN_SECONDS = Gauge(
    "tinsom_hidden_seconds", "How long an open transaction has hidden records from every reader", ["topic"]
)
COMMIT_SECONDS = Histogram("tinsom_commit_seconds", "One commit of outputs and offset", ["stage"], buckets=_FAST)
RESTORE_SECONDS = Histogram("tinsom_restore_seconds", "Restoring a partition's state", ["stage"], buckets=_SLOW)
OWNED_PARTITIONS = Gauge("tinsom_owned_partitions", "Partitions owned and restored", ["stage"])
STOPPED_PARTITIONS = Gauge("tinsom_stopped_partitions", "Partitions stopped by the dead-letter limit", ["stage"])
FENCED = Counter("tinsom_fenced", "Commits refused because the partition has another owner", ["stage"])
RETRIES = Counter("tinsom_handler_retries", "Handler attempts that failed", ["stage"])
DEAD_LETTERS = Counter("tinsom_dead_letters", "Records parked", ["topic", "reason"])
EVENT_LOOP_LAG = Gauge("tinsom_event_loop_lag_seconds", "How late a timer fired, worst of the last 15 s")

FETCHES = Counter("tinsom_fetches", "Polls by what came of them", ["result", "tier"])
FETCH_SECONDS = Histogram("tinsom_fetch_seconds", "One poll, request to last byte", ["tier"], buckets=_FAST)
PAGES = Counter("tinsom_pages", "Article pages fetched, by what came of them", ["result"])
ATTACHMENTS = Counter("tinsom_attachments", "PDF and DOCX of announcements, by what came of them", ["result"])
REREADS = Counter("tinsom_rereads", "Pages looked at again, by what came of it", ["result"])
ROLLOVERS = Counter(
    "tinsom_rollovers", "Polls whose whole document was new: items may have come and gone unseen", ["tier"]
)
ENTRIES = Counter("tinsom_entries", "Entries seen in feeds, by decision", ["outcome"])
SOURCES = Gauge("tinsom_sources", "Sources by state", ["state", "tier"])
SOURCE_LAST_SUCCESS = Gauge("tinsom_source_last_success_timestamp_seconds", "Last good poll", ["source"])

TLS_EXCEPTIONS = Gauge("tinsom_tls_exceptions", "Sources whose certificate is not simply verified", ["kind"])

TAGS = Counter("tinsom_tags", "Tags given", ["taxonomy", "value", "role"])
TAXONOMIES = Counter("tinsom_taxonomies", "New rules that a running classifier took or refused", ["outcome"])

SIGNALS = Counter("tinsom_signals", "Bursts begun and sources fallen silent", ["kind"])

ALERTS = Counter("tinsom_alerts", "Alerts decided", ["kind", "priority"])
SUPPRESSIONS = Counter("tinsom_suppressions", "Matched and not sent, by reason", ["reason"])
VERDICTS = Gauge("tinsom_verdicts", "Readers' judgements that hold, by what had matched", ["matched", "verdict"])
UNSUBSCRIBES = Counter("tinsom_unsubscribes", "Readers who left, by way", ["way"])
UPDATES = Counter("tinsom_bot_updates", "What readers sent to the bot, by what became of it", ["outcome"])
POSTPONED = Counter("tinsom_postponed_alerts", "Alerts that wait for a digest, by reason", ["reason"])
OVERDUE = Gauge("tinsom_overdue_deliveries", "Meant for now and not sent for 5 minutes, by reason", ["reason"])
DELIVERIES = Counter("tinsom_deliveries", "Deliveries by result", ["channel", "result"])
DELIVERY_REQUESTS = Counter("tinsom_delivery_requests", "Requests to a channel by answer", ["channel", "code"])
DELIVERY_SECONDS = Histogram("tinsom_delivery_seconds", "One request to a channel", ["channel"], buckets=_SLOW)
PENDING = Gauge("tinsom_pending_deliveries", "Deliveries to be sent now, without a result", ["channel"])
DESTINATIONS = Gauge("tinsom_destinations", "Destinations by state", ["channel", "state"])


def configuration_taken(now: float) -> None:
    CONFIG_GOOD.set(1)
    CONFIG_TAKEN.set(now)


# Why a record was parked: codec's reasons, and `handler` for what a stage raised three times.
DEAD_LETTER_REASONS = ("no-type", "unknown-type", "unexpected-type", "null-value", "schema", "handler")


def prepare_stage(stage: str, topic: str, outcomes: Iterable[str]) -> None:
    """Create the label sets of a stage, so that graphs begin at 0 and the first of a kind is an increase."""
    for reason in DEAD_LETTER_REASONS:
        DEAD_LETTERS.labels(topic, reason)
    for outcome in (*outcomes, "dead-letter"):
        ITEMS.labels(stage, outcome)
    FENCED.labels(stage)
    RETRIES.labels(stage)
    STOPPED_PARTITIONS.labels(stage).set(0)


def prepare_classifier() -> None:
    for outcome in ("taken", "refused"):
        TAXONOMIES.labels(outcome)
    for kind in ("burst", "silence"):
        SIGNALS.labels(kind)


def value(metric: Counter | Gauge, *labels: str) -> float:
    """The current value of one label set, or of a metric without labels."""
    return float((metric.labels(*labels) if labels else metric)._value.get())


def values(counter: Counter, *labels: str) -> dict[str, int]:
    """Counts by the last label, of the label sets that begin with `labels`."""
    found = {}
    for family in counter.collect():
        for sample in family.samples:
            names = tuple(sample.labels.values())
            if names[:-1] == labels:
                found[names[-1]] = int(sample.value)
    return found


def render() -> bytes:
    """The text exposition; slow with many series, so call it in a thread."""
    return _render()
