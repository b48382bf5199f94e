"""The dashboards without a Grafana: the linter's rules of the field, names that exist, no drift."""

from __future__ import annotations

import json
from typing import Any

import promql_parser
import pytest
import yaml

from deploy.grafana import build
from deploy.reference import catalogue
from tests.deploy import queries

BOARDS = queries.dashboards()
PANELS = list(queries.panels())
BY_BOARD = pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
BY_PANEL = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
COUNTERS = {metric.name for metric in catalogue() if metric.kind == "counter"}

# Grafana's own names of units.
UNITS = {"s", "ops", "short"}


def test_what_is_committed_is_what_the_builder_makes() -> None:
    made = build.built()
    assert {path.name for path in queries.DASHBOARDS} == set(made)
    for path in queries.DASHBOARDS:
        assert path.read_text("utf-8") == made[path.name], "run `python -m deploy.grafana.build`"


@BY_BOARD
def test_a_board_is_found_and_cannot_be_edited_by_accident(board: dict[str, Any]) -> None:
    assert board["uid"]
    assert board["title"]
    assert board["editable"] is False
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@BY_BOARD
def test_variables(board: dict[str, Any]) -> None:
    by_name = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert by_name["datasource"]["label"] == "Data Source"
    assert by_name["datasource"]["type"] == "datasource"
    for name in ("job", "instance"):
        assert by_name[name]["refresh"] == 2
        assert by_name[name]["datasource"]["uid"] == "${datasource}"
        assert (by_name[name]["multi"], by_name[name]["allValue"]) == (True, ".+")


@BY_BOARD
def test_panels_do_not_overlap_and_stay_on_the_grid(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not taken & cells
        taken |= cells


@BY_PANEL
def test_a_panel_explains_itself(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    assert all(target["legendFormat"] for target in panel["targets"])


@BY_PANEL
def test_a_panel_asks_for_what_exists_and_for_what_was_chosen(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        asked = queries.query(panel["title"], target["expr"])
        assert not queries.variables_left(target["expr"])
        for selector in asked.selectors:
            assert selector.name in queries.registered()
            chosen = {(matcher.name, str(matcher.op)) for matcher in selector.matchers.matchers}
            assert {("job", "MatchOp.Re"), ("instance", "MatchOp.Re")} <= chosen


@BY_PANEL
def test_a_panel_matches_and_groups_by_labels_that_the_metric_has(panel: dict[str, Any]) -> None:
    labels = {series: set(metric.labels) for metric in catalogue() for series in metric.series()}
    for target in panel["targets"]:
        for selector in queries.query(panel["title"], target["expr"]).selectors:
            own = labels[selector.name or ""] | {"job", "instance", "le"}
            assert {matcher.name for matcher in selector.matchers.matchers} <= own


@BY_PANEL
def test_counters_stand_only_inside_rates(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert not bare_counters(target["expr"])


def test_rates_use_the_interval_that_fits_the_scrapes() -> None:
    texts = [target["expr"] for panel in PANELS for target in panel["targets"]]
    assert all("$__rate_interval" in text for text in texts if "rate(" in text)


def test_every_metric_is_on_a_panel_or_in_a_rule() -> None:
    shown = queries.metric_names_in_dashboard() | queries.names(queries.rule_queries())
    missing = [metric.name for metric in catalogue() if not shown & set(metric.series())]
    assert missing == []


def bare_counters(expression: str) -> list[str]:
    """Counters that are graphed as they stand: they only ever grow, and say nothing."""
    inside: list[str] = []
    everywhere: list[str] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name in COUNTERS:
            everywhere.append(node.name)
        if isinstance(node, promql_parser.Call) and node.func.name in ("rate", "increase"):
            promql_parser.walk(
                node.args[0],
                lambda n: inside.append(n.name or "") if isinstance(n, promql_parser.VectorSelector) else None,
            )

    promql_parser.walk(promql_parser.parse(queries.filled_in(expression)), visit)
    return [name for name in everywhere if name not in inside]


def test_the_check_for_bare_counters_finds_one() -> None:
    assert bare_counters("sum(tinsom_items_total)") == ["tinsom_items_total"]
    assert not bare_counters("sum(increase(tinsom_items_total[5m]))")


def test_provisioning_fits_the_boards() -> None:
    folder = queries.DEPLOY / "grafana" / "provisioning"
    provider = yaml.safe_load((folder / "dashboards" / "tinsom.yaml").read_text("utf-8"))["providers"][0]
    assert provider["allowUiUpdates"] is False
    source = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text("utf-8"))
    assert (source["prune"], source["datasources"][0]["editable"]) == (True, False)
    scrape = yaml.safe_load((queries.DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["global"]
    assert source["datasources"][0]["jsonData"]["timeInterval"] == scrape["scrape_interval"]
    assert json.dumps(BOARDS)  # what Grafana reads is JSON through and through
