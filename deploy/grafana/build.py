"""Builds the dashboards from `panels`: `python -m deploy.grafana.build` writes dashboards/*.json.

The JSON is committed, since Grafana and operators read files; a test builds it again and compares.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.grafana.panels import CHOSEN, PIPELINE, Panel, Row

FOLDER = Path(__file__).with_name("dashboards")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 8, 8  # three panels abreast on Grafana's 24 columns


def dashboard(uid: str, title: str, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "description": "From source to reader: lag, flow, sources, delivery. Runbooks: docs/runbooks.md.",
        "tags": ["tinsom"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "version": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "annotations": {"list": [_roll_outs()]},
        "panels": _laid_out(rows),
    }


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Data Source", "type": "datasource", "query": "prometheus", "hide": 0}
    return [
        {**source, "current": {}, "refresh": 1},
        _variable("job", "label_values(tinsom_build_info, job)"),
        _variable("instance", 'label_values(tinsom_build_info{job=~"$job"}, instance)'),
    ]


def _variable(name: str, query: str) -> dict[str, Any]:
    """`refresh` 2: the values are asked for again when the time range changes."""
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "includeAll": True,
        "allValue": ".+",
        "multi": True,
        "sort": 1,
        "hide": 0,
        "current": {"text": "All", "value": "$__all"},
    }


def _roll_outs() -> dict[str, Any]:
    running = f"tinsom_build_info{{{CHOSEN}}}"
    return {
        "name": "Starts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"count by (version) ({running} unless {running} offset 1m)",
        "titleFormat": "{{version}} started",
    }


def _laid_out(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows one under the other, their panels three abreast."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
        )
        for number, panel in enumerate(row.panels):
            x, y = number % 3 * WIDTH, top + 1 + number // 3 * HEIGHT
            panels.append(_panel(len(panels) + 1, panel, {"x": x, "y": y, "w": WIDTH, "h": HEIGHT}))
        top += 1 + -(-len(row.panels) // 3) * HEIGHT
    return panels


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    custom = {
        "fillOpacity": 20 if panel.stacked else 5,
        "stacking": {"mode": "normal" if panel.stacked else "none"},
    }
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": custom if panel.kind == "timeseries" else {}},
            "overrides": [],
        },
        "options": _OPTIONS[panel.kind],
        "targets": [_target(chr(ord("A") + i), *query, panel.kind) for i, query in enumerate(panel.queries)],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"},
    "bargauge": {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal"},
}


def _target(ref: str, expression: str, legend: str, kind: str) -> dict[str, Any]:
    instant = kind != "timeseries"
    return {
        "refId": ref,
        "datasource": SOURCE,
        "expr": expression,
        "legendFormat": legend,
        "range": not instant,
        "instant": instant,
    }


def built() -> dict[str, str]:
    """File name → content of every dashboard."""
    boards = {"pipeline.json": dashboard("tinsom-pipeline", "Tin sớm: pipeline", PIPELINE)}
    return {name: json.dumps(board, ensure_ascii=False, indent=2) + "\n" for name, board in boards.items()}


def main() -> None:
    for name, content in built().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
