"""`make bench`: every figure beside a floor or a peer measured in the same run.

python -m benchmarks [sqlite] [latency] [classifier] [stories] [collector] [pages] [alerter] [demo] [why] [kafka]
None named: all.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
import uvloop
from rich.console import Console

from benchmarks import alerter, classifier, collector, demo, kafka_log, latency, pages, sqlite_log, stories, why
from benchmarks.report import Figure, show
from tests.kafka.broker import Cluster

errors = Console(stderr=True)


async def on_kafka() -> list[Figure]:
    """The Kafka figures on a broker that is fetched and started for them."""
    with Cluster() as cluster:
        bootstrap = cluster.bootstrap
        figures = await kafka_log.run(bootstrap)
        floors = {0.5: figures[1].floor or 0.0, 0.99: figures[2].floor or 0.0}
        return figures + await latency.run(bootstrap, floors)


MEASURES: dict[str, Callable[[], Coroutine[Any, Any, list[Figure]]]] = {
    "sqlite": sqlite_log.run,
    "latency": latency.run,
    "alerter": alerter.run,
    "classifier": classifier.run,
    "stories": stories.run,
    "collector": collector.run,
    "pages": pages.run,
    "demo": demo.run,
    "why": why.run,
    "kafka": on_kafka,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        errors.print(f"no benchmark {unknown[0]!r}; there are {', '.join(MEASURES)}")
        return 2
    # A broker without a leader for a moment is no news here.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # Nor is a source that answers, ten thousand times.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures: list[Figure] = []
    for name in names or MEASURES:
        errors.print(f"measuring {name} ...")
        figures += uvloop.run(MEASURES[name]())
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
