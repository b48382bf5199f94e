"""Prometheus' files, by promtool and by what promtool does not look at."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy import reference
from tests.conftest import require
from tests.deploy import queries

PROMETHEUS = queries.DEPLOY / "prometheus"
ALERTS = [rule for rule in queries.rules() if "alert" in rule]
BY_ALERT = pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])


def promtool(*arguments: str) -> None:
    found = require("promtool", "Debian's package `prometheus`")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_configuration() -> None:
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_promtool_accepts_the_rules() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, queries.RULES))


@pytest.mark.parametrize("path", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_the_rules_fire_and_stay_quiet_as_meant(path: Any) -> None:
    promtool("test", "rules", str(path))


def cases() -> Iterator[tuple[str, bool]]:
    """Alert and whether it must fire, of every case in the rules' tests."""
    for path in sorted((PROMETHEUS / "tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                yield case["alertname"], bool(case["exp_alerts"])


@BY_ALERT
def test_every_alert_has_a_case_that_fires_and_one_that_does_not(rule: dict[str, Any]) -> None:
    assert {fires for alert, fires in cases() if alert == rule["alert"]} == {True, False}


@BY_ALERT
def test_an_alert_says_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Tinsom")
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    annotations = rule["annotations"]
    assert "{{" not in annotations["summary"]  # the same line whoever it is about, so that alerts group
    assert annotations["description"]
    assert annotations["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"


def test_the_runbooks_are_those_of_the_alerts_and_their_links_lead_somewhere() -> None:
    text = (queries.ROOT / "docs" / "runbooks.md").read_text("utf-8")
    pages = re.findall(r"^## (\w+)$", text, re.M)
    assert sorted(pages) == sorted(rule["alert"] for rule in ALERTS)
    assert {page.lower() for page in pages} >= set(re.findall(r"\]\(#(\w+)\)", text))


def test_rules_ask_for_what_exists() -> None:
    known = queries.registered() | queries.recorded() | {"up"}
    labels = {series: set(metric.labels) for metric in reference.catalogue() for series in metric.series()}
    for query in queries.rule_queries():
        for selector in query.selectors:
            assert selector.name in known, query.where
            own = labels.get(selector.name or "", set()) | {"job", "instance", "le"}
            assert {matcher.name for matcher in selector.matchers.matchers} <= own, query.where


def test_the_page_of_metrics_is_the_registry() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run `python -m deploy.reference`"


def test_names_of_a_scrape() -> None:
    scrape = '# TYPE a counter\na_total{x="1"} 2\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 1\n'
    assert queries.names_of(scrape) == {"a_total", "h_bucket", "h_count", "h_sum"}
