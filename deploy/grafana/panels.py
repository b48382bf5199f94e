"""What the pipeline dashboard shows: one panel per question that an operator asks. `build` makes files of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# The label matcher of every query: what the reader chose at the top of the page.
CHOSEN = 'job=~"$job", instance=~"$instance"'
CONFIG_TAKEN = "tinsom_config_last_reload_success_timestamp_seconds"


@dataclass(frozen=True)
class Panel:
    """One question an operator asks. `queries` are pairs of expression and legend."""

    title: str
    description: str
    unit: str
    queries: Sequence[tuple[str, str]]
    kind: str = "timeseries"
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


def rate(metric: str, by: str, more: str = "") -> str:
    matcher = CHOSEN + (f", {more}" if more else "")
    return f"sum by ({by}) (rate({metric}{{{matcher}}}[$__rate_interval]))"


def gauge(function: str, metric: str, by: str, more: str = "") -> str:
    matcher = CHOSEN + (f", {more}" if more else "")
    return f"{function} by ({by}) ({metric}{{{matcher}}})"


def quantiles(metric: str, by: str) -> list[tuple[str, str]]:
    """Median and 99th percentile of a histogram."""
    inner = rate(f"{metric}_bucket", f"le, {by}")
    return [(f"histogram_quantile({q}, {inner})", f"{{{{{by}}}}} p{q * 100:.0f}") for q in (0.5, 0.99)]


PIPELINE = (
    Row(
        "Is it well?",
        (
            Panel(
                "Oldest unread record",
                "How far each stage is behind. Alerts: TinsomLagging at 2 minutes, TinsomLaggingBadly at 10.",
                "s",
                [(gauge("max", "tinsom_lag_seconds", "stage"), "{{stage}}")],
            ),
            Panel(
                "From fetch to delivered",
                "Time from our fetch of an item to its acceptance by the channel, median and 99th percentile.",
                "s",
                quantiles("tinsom_end_to_end_seconds", "channel"),
            ),
            Panel(
                "Sources by state",
                "What the last polls came to. Failing sources are retried later and later, parked ones rarely.",
                "short",
                [(gauge("sum", "tinsom_sources", "state"), "{{state}}")],
                stacked=True,
            ),
            Panel(
                "Dead letters",
                "Records that a stage could not process and parked, an hour.",
                "short",
                [
                    (
                        f'sum by (stage) (increase(tinsom_items_total{{{CHOSEN}, outcome="dead-letter"}}[1h]))',
                        "{{stage}}",
                    ),
                    (f"sum by (reason) (increase(tinsom_dead_letters_total{{{CHOSEN}}}[1h]))", "{{reason}}"),
                ],
            ),
            Panel(
                "Stopped partitions",
                "Partitions that stopped after too many dead letters in a row. Anything but 0 needs a person.",
                "short",
                [(gauge("sum", "tinsom_stopped_partitions", "stage"), "{{stage}}")],
                kind="stat",
            ),
            Panel(
                "Versions",
                "Running processes by version; two for longer than a roll-out is a roll-out that did not end.",
                "short",
                [(f"count by (version) (tinsom_build_info{{{CHOSEN}}})", "{{version}}")],
                kind="stat",
            ),
            Panel(
                "Configuration",
                "How long ago each process took the configuration that it has; its start counts."
                " Alert: TinsomConfigurationRefused, when a changed one was not taken.",
                "s",
                [("time() - " + gauge("max", CONFIG_TAKEN, "instance"), "{{instance}}")],
                kind="stat",
            ),
        ),
    ),
    Row(
        "Flow",
        (
            Panel(
                "Entries in feeds",
                "Entries seen, by decision: new, changed, same, baseline, dropped with a reason.",
                "ops",
                [(rate("tinsom_entries_total", "outcome"), "{{outcome}}")],
                stacked=True,
            ),
            Panel(
                "Records by stage and outcome",
                "Every record ends each stage in exactly one outcome; the sums add up from stage to stage.",
                "ops",
                [(rate("tinsom_items_total", "stage, outcome"), "{{stage}} {{outcome}}")],
                stacked=True,
            ),
            Panel(
                "Time to the end of a stage",
                "From fetch to the end of each stage, 99th percentile and median.",
                "s",
                quantiles("tinsom_stage_latency_seconds", "stage"),
            ),
            Panel(
                "Unread records",
                "Records waiting before each stage. Bursts are normal; look at their age.",
                "short",
                [(gauge("max", "tinsom_lag_records", "stage"), "{{stage}}")],
            ),
            Panel(
                "Tags given",
                "Initiatives and agencies found, by role.",
                "ops",
                [(rate("tinsom_tags_total", "taxonomy, role"), "{{taxonomy}} {{role}}")],
            ),
            Panel(
                "Bursts and silences",
                "Initiatives and agencies far above their usual rate; official sources that are silent for days.",
                "short",
                [(f"sum by (kind) (increase(tinsom_signals_total{{{CHOSEN}}}[1d]))", "{{kind}}")],
            ),
            Panel(
                "Changes of the taxonomy",
                "New rules that running classifiers took; one refused is a file that their version cannot read.",
                "short",
                [(f"sum by (outcome) (increase(tinsom_taxonomies_total{{{CHOSEN}}}[1h]))", "{{outcome}}")],
            ),
            Panel(
                "Most frequent tags",
                "The ten most frequent values of the last day; a known initiative missing here is worth a look.",
                "short",
                [(f"topk(10, sum by (value) (increase(tinsom_tags_total{{{CHOSEN}}}[1d])))", "{{value}}")],
                kind="bargauge",
            ),
        ),
    ),
    Row(
        "Sources",
        (
            Panel(
                "Polls",
                "Polls by what came of them; not_modified and unchanged cost nothing.",
                "ops",
                [(rate("tinsom_fetches_total", "result"), "{{result}}")],
                stacked=True,
            ),
            Panel(
                "Duration of a poll",
                "From request to last byte, by tier, median and 99th percentile.",
                "s",
                quantiles("tinsom_fetch_seconds", "tier"),
            ),
            Panel(
                "Longest without a good poll",
                "The ten sources whose last good poll is longest ago.",
                "s",
                [
                    (
                        f"topk(10, time() - tinsom_source_last_success_timestamp_seconds{{{CHOSEN}}})",
                        "{{source}}",
                    )
                ],
                kind="bargauge",
            ),
            Panel(
                "Certificates not simply verified",
                "Sources with a TLS exception; `tinsom sources list` names them. Unverified: anybody may answer.",
                "short",
                [(gauge("sum", "tinsom_tls_exceptions", "kind"), "{{kind}}")],
                stacked=True,
            ),
            Panel(
                "Article pages",
                "Pages fetched for full text, by what came of them.",
                "ops",
                [(rate("tinsom_pages_total", "result"), "{{result}}")],
                stacked=True,
            ),
            Panel(
                "Pages read again",
                "Late pages, edits without a word in the feed, withdrawals: what looking again led to, an hour.",
                "short",
                [(f"sum by (result) (increase(tinsom_rereads_total{{{CHOSEN}}}[1h]))", "{{result}}")],
                stacked=True,
            ),
            Panel(
                "Attachments",
                "PDF and DOCX of announcements, an hour, by what came of them: in scans nothing can be tagged.",
                "short",
                [(f"sum by (result) (increase(tinsom_attachments_total{{{CHOSEN}}}[1h]))", "{{result}}")],
                stacked=True,
            ),
            Panel(
                "Documents that were all new",
                "Polls whose whole document was new, an hour: items may have come and gone unseen; poll oftener.",
                "short",
                [(f"sum by (tier) (increase(tinsom_rollovers_total{{{CHOSEN}}}[1h]))", "tier {{tier}}")],
            ),
        ),
    ),
    Row(
        "Delivery",
        (
            Panel(
                "Alerts decided",
                "Decisions to tell a destination, by kind and priority.",
                "ops",
                [(rate("tinsom_alerts_total", "kind, priority"), "{{kind}} {{priority}}")],
                stacked=True,
            ),
            Panel(
                "Suppressed",
                "Matched and not sent, by reason; each is on the topic `alerts`, where `tinsom why` finds it.",
                "ops",
                [(rate("tinsom_suppressions_total", "reason"), "{{reason}}")],
                stacked=True,
            ),
            Panel(
                "Postponed to a digest",
                "Not sent now, and in the next digest, by reason: quiet hours, budget, flood, low priority, late.",
                "ops",
                [(rate("tinsom_postponed_alerts_total", "reason"), "{{reason}}")],
                stacked=True,
            ),
            Panel(
                "Overdue",
                "Meant to be sent at once and not sent for five minutes, by what they wait for.",
                "short",
                [(gauge("sum", "tinsom_overdue_deliveries", "reason"), "{{reason}}")],
                stacked=True,
            ),
            Panel(
                "What readers say",
                "Judgements of readers that hold: precision as they see it. Empty while the bot is off.",
                "short",
                [(gauge("sum", "tinsom_verdicts", "verdict"), "{{verdict}}")],
            ),
            Panel(
                "What readers send to the bot",
                "Commands and buttons, by what became of them; mailboxes that left by their link.",
                "ops",
                [
                    (rate("tinsom_bot_updates_total", "outcome"), "{{outcome}}"),
                    (rate("tinsom_unsubscribes_total", "way"), "unsubscribed by {{way}}"),
                ],
                stacked=True,
            ),
            Panel(
                "Deliveries by result",
                "What became of alerts. Ambiguous: the request went out and no answer came.",
                "ops",
                [(rate("tinsom_deliveries_total", "channel, result"), "{{channel}} {{result}}")],
                stacked=True,
            ),
            Panel(
                "Requests to channels",
                "Every request by answer: 429 is throttling, 403 a chat that blocked us, 401 a wrong token.",
                "ops",
                [(rate("tinsom_delivery_requests_total", "channel, code"), "{{channel}} {{code}}")],
                stacked=True,
            ),
            Panel(
                "Duration of a request to a channel",
                "Median and 99th percentile by channel.",
                "s",
                quantiles("tinsom_delivery_seconds", "channel"),
            ),
            Panel(
                "Waiting deliveries and destinations",
                "Deliveries without a result, and destinations by state.",
                "short",
                [
                    (gauge("sum", "tinsom_pending_deliveries", "channel"), "pending {{channel}}"),
                    (gauge("sum", "tinsom_destinations", "channel, state"), "{{channel}} {{state}}"),
                ],
            ),
        ),
    ),
    Row(
        "Machinery",
        (
            Panel(
                "Commits",
                "One commit of outputs and offset, median and 99th percentile.",
                "s",
                quantiles("tinsom_commit_seconds", "stage"),
            ),
            Panel(
                "Partitions owned",
                "Owned and restored partitions by process: who does what.",
                "short",
                [(gauge("sum", "tinsom_owned_partitions", "stage, instance"), "{{stage}} {{instance}}")],
                stacked=True,
            ),
            Panel(
                "Restoring state",
                "Time to restore a partition's state after it was gained, 99th percentile and median.",
                "s",
                quantiles("tinsom_restore_seconds", "stage"),
            ),
            Panel(
                "Hand-overs and failed attempts",
                "Commits refused because the partition has another owner, and attempts of a handler that failed.",
                "ops",
                [
                    (rate("tinsom_fenced_total", "stage"), "fenced {{stage}}"),
                    (rate("tinsom_handler_retries_total", "stage"), "retried {{stage}}"),
                ],
            ),
            Panel(
                "Timers' lateness",
                "How late a timer fired, worst of 15 seconds. Above half a second, time limits no longer hold.",
                "s",
                [(gauge("max", "tinsom_event_loop_lag_seconds", "instance"), "{{instance}}")],
            ),
            Panel(
                "Age of the newest record handled",
                "Grows in quiet hours for all stages alike; one that grows alone is stuck.",
                "s",
                [(f"time() - {gauge('max', 'tinsom_watermark_timestamp_seconds', 'stage')}", "{{stage}}")],
            ),
        ),
    ),
)
