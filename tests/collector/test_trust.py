"""Certificates are verified, but where a source names an exception; and then for its host alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.collector.catalogue import authorities_fault, source_of
from services.collector.finding import check_sources
from services.collector.web import trust
from services.collector.web.fetch import ANY_HOST, Fetcher
from services.collector.web.trust import Trust
from tests.alerter.conftest import Certificate
from tests.collector.besieged import Here
from tests.collector.build import posts, rss
from tests.collector.feedserver import FeedServer
from tinsom import metrics
from tinsom.config import CollectorConfig, Config, SourceConfig
from tinsom.errors import ConfigError


@pytest.fixture
async def tls_server(certificate: Certificate) -> AsyncIterator[FeedServer]:
    """Its certificate is for `localhost`, vouched for by nobody."""
    async with FeedServer(tls=certificate.server) as running:
        running.put("/feed", rss(posts(1)))
        yield running


def at(server: FeedServer, host: str = "localhost", **more: Any) -> SourceConfig:
    return SourceConfig(id=f"bao-{host}", url=server.url("/feed", host), **more)


async def fault(server: FeedServer, *sources: SourceConfig, host: str = "localhost", path: str = "/feed") -> str:
    known = Trust(map(source_of, sources))
    async with Fetcher(timeout=30.0, allow_private=[ANY_HOST], names=Here(), trust=known) as fetcher:
        return (await fetcher.get(server.url(path, host))).fault or "fine"


async def test_only_the_exception_opens(tls_server: FeedServer, certificate: Certificate) -> None:
    own = at(tls_server, ca_file=certificate.file)
    assert await fault(tls_server) == "tls"
    assert await fault(tls_server, at(tls_server)) == "tls"
    assert await fault(tls_server, own) == "fine"
    assert await fault(tls_server, at(tls_server, tls="unverified")) == "fine"
    # Its pages are on the same host; another host has nothing of it, nor has the wrong name.
    assert await fault(tls_server, own, path="/page") == "fine"
    assert await fault(tls_server, at(tls_server, tls="unverified"), host="other.test") == "tls"
    assert (
        await fault(tls_server, at(tls_server, "other.test", ca_file=certificate.file), host="other.test") == "tls"
    )


async def test_a_redirect_takes_no_exception_along(tls_server: FeedServer) -> None:
    tls_server.put("/hop", status=302, Location=tls_server.url("/feed", "other.test"))
    assert await fault(tls_server, at(tls_server, tls="unverified"), path="/hop") == "tls"


async def test_another_certificate_than_the_trusted_one(
    tls_server: FeedServer, wrong_certificate: Certificate
) -> None:
    assert await fault(tls_server, at(tls_server, ca_file=wrong_certificate.file)) == "tls"
    # The exception that still verifies counts, whoever else shares the host.
    both = (
        at(tls_server, tls="unverified"),
        SourceConfig(id="b", url=at(tls_server).url, ca_file=wrong_certificate.file),
    )
    assert await fault(tls_server, *both) == "tls"


async def test_the_list_is_checked_with_its_exceptions(tls_server: FeedServer, certificate: Certificate) -> None:
    sources = [at(tls_server, ca_file=certificate.file), at(tls_server, "127.0.0.1")]
    config = Config(
        sources=sources, collector=CollectorConfig(allow_private=["localhost", "127.0.0.1"], timeout=30.0)
    )
    checked = {source.id: report.look.outcome for source, report in await check_sources(config)}
    assert checked == {"bao-localhost": "ok", "bao-127.0.0.1": "tls"}


def test_an_exception_is_visible_until_its_source_goes(certificate: Certificate) -> None:
    source = source_of(SourceConfig(id="cua-minh", url="https://bao.example/rss", ca_file=certificate.file))
    before = metrics.value(metrics.TLS_EXCEPTIONS, "own-ca")
    known = Trust([source, source])
    assert metrics.value(metrics.TLS_EXCEPTIONS, "own-ca") == before + 1
    known.remove(source)
    assert metrics.value(metrics.TLS_EXCEPTIONS, "own-ca") == before
    assert known.of("bao.example") is True


def test_a_file_of_certificates_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    bad = SourceConfig(id="bao", url="https://bao.example/rss", ca_file=str(file))
    assert "No such file" in authorities_fault(bad)
    file.write_text("no certificate")
    assert authorities_fault(bad).endswith("holds no PEM certificate")
    with pytest.raises(ConfigError, match="'bao': ca_file"):
        source_of(bad)
    assert trust.exception_of(source_of(SourceConfig(id="bao", url="https://bao.example/rss"))) == "verify"
