"""Fixtures of `tests.kafka.opening`, known to every module of this folder."""

from tests.kafka.opening import broker, namespace, quiet

__all__ = ["broker", "namespace", "quiet"]
