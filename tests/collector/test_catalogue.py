from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.collector.catalogue import source_outputs
from tinsom import codec
from tinsom.config import Config, SourceConfig
from tinsom.errors import ConfigError
from tinsom.log import Output, Record
from tinsom.messages import Source


def conf(*sources: SourceConfig) -> Config:
    return Config(sources=list(sources))


def one(id_: str = "home", url: str = "https://www.bao.example/rss", **more: Any) -> SourceConfig:
    return SourceConfig(id=id_, url=url, **more)


def table(outputs: Sequence[Output]) -> dict[bytes, Record]:
    """As the table of `sources` would show them, each in some partition."""
    return {
        o.key: Record(o.topic, 7, 0, o.timestamp, o.key, o.value, o.headers)
        for o in outputs
        if o.key not in (None, b"version") and o.value is not None
    }


def test_added_changed_removed_and_the_version_last() -> None:
    first = source_outputs(conf(one("a"), one("b")), 1, {})
    assert first.difference == ["+ a", "+ b"]
    assert [o.key for o in first.outputs] == [b"a", b"b", b"version"]
    second = source_outputs(conf(one("a", interval=60.0), one("c")), 2, table(first.outputs))
    assert second.difference == ["~ a", "+ c", "- b"]
    gone = next(o for o in second.outputs if o.key == b"b")
    assert (gone.value, gone.partition) == (None, 7)


def test_the_same_again_writes_the_version_only() -> None:
    first = source_outputs(conf(one()), 1, {})
    again = source_outputs(conf(one()), 2, table(first.outputs))
    assert again.difference == []
    assert [o.key for o in again.outputs] == [b"version"]


def test_the_publisher_is_the_host_unless_named() -> None:
    out = source_outputs(conf(one(), one("b", publisher="bao")), 1, {}).outputs
    assert {o.key: o.partition_by for o in out[:2]} == {b"b": b"bao", b"home": b"bao.example"}
    found = codec.decode_as(table(out)[b"home"], Source)
    assert (found.publisher, found.timezone) == ("bao.example", "Asia/Ho_Chi_Minh")


def test_a_publisher_is_for_good() -> None:
    first = source_outputs(conf(one()), 1, {})
    with pytest.raises(ConfigError, match="new id"):
        source_outputs(conf(one(publisher="khac")), 2, table(first.outputs))


@pytest.mark.parametrize("bad", [{"url": "ftp://x/y"}, {"url": "bao.example"}, {"timezone": "Asia/Nowhere"}])
def test_faults_name_the_source(bad: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="'home'"):
        source_outputs(conf(one(**bad)), 1, {})


def test_an_unreadable_record_is_written_anew() -> None:
    broken = {b"home": Record("sources", 7, 0, 0, b"home", b"{", ())}
    assert source_outputs(conf(one()), 1, broken).difference == ["~ home"]
    assert source_outputs(conf(), 1, broken).difference == ["- home"]
