"""Every query of the dashboards and rules, and the names in it. Also for a test that holds a live scrape:
`metric_names_in_dashboard() - names_of(scrape)` must be empty."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.reference import catalogue

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))

# What Grafana puts in for its variables, before Prometheus sees the query.
_VARIABLES = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h", "$job": ".+", "$instance": ".+"}


class Query(NamedTuple):
    where: str  # panel's or rule's title
    text: str  # as it stands in the file
    selectors: list[promql_parser.VectorSelector]


def filled_in(expression: str) -> str:
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def query(where: str, text: str) -> Query:
    """Raises ValueError for what is no PromQL."""
    selectors: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)

    promql_parser.walk(promql_parser.parse(filled_in(text)), visit)
    return Query(where, text, selectors)


def dashboards() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text("utf-8")) for path in DASHBOARDS}


def panels() -> Iterator[dict[str, Any]]:
    """All panels but rows."""
    for board in dashboards().values():
        yield from (panel for panel in board["panels"] if panel["type"] != "row")


def panel_queries() -> Iterator[Query]:
    for panel in panels():
        yield from (query(panel["title"], target["expr"]) for target in panel["targets"])


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


def rule_queries() -> Iterator[Query]:
    for rule in rules():
        yield query(rule.get("alert") or rule["record"], rule["expr"])


def names(queries: Iterator[Query]) -> set[str]:
    return {selector.name or "" for query in queries for selector in query.selectors}


def metric_names_in_dashboard() -> set[str]:
    """Every series that a panel of a committed dashboard asks for, as it is named in a scrape."""
    return names(panel_queries())


def registered() -> set[str]:
    """The names of series that the registry can export."""
    return {series for metric in catalogue() for series in metric.series()}


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def names_of(scrape: str) -> set[str]:
    """Series in a text exposition that have a value."""
    return {sample.name for family in text_string_to_metric_families(scrape) for sample in family.samples}


def variables_left(expression: str) -> list[str]:
    return re.findall(r"\$\w+", filled_in(expression))
