"""Sources: from the configuration to records of topic `sources`. Pure but for the codec and `ca_file`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from services.collector import shipped
from services.collector.articles import selected
from services.collector.reading import dates, listing
from services.collector.reading.css import SelectorError
from services.collector.web import trust
from tinsom import codec
from tinsom.config import Config, PageSelectorsConfig, SelectorsConfig, SourceConfig
from tinsom.errors import ConfigError, DecodeError
from tinsom.log import Record
from tinsom.messages import PageSelectors, Selectors, Source
from tinsom.tables import Changes, changes

TOPIC = "sources"


def source_of(config: SourceConfig) -> Source:
    """The message of one configured source; raises ConfigError naming it."""
    host = _host(config)
    if fault := selector_fault(config):
        raise ConfigError(f"sources: {config.id!r}: {fault}")
    try:
        dates.zone(config.timezone)
        ca = trust.authorities(config.ca_file) if config.ca_file else ""
    except (ValueError, ConfigError) as error:
        raise ConfigError(f"sources: {config.id!r}: {error}") from None
    return Source(
        id=config.id,
        publisher=config.publisher or host,
        url=config.url,
        name=config.name,
        kind=config.kind,
        tier=config.tier,
        timezone=config.timezone,
        month_first=config.month_first,
        interval=config.interval,
        full_text=config.full_text,
        enabled=config.enabled,
        selectors=_listing(config.selectors) if config.selectors else None,
        page=_page(config.page) if config.page else None,
        tls=config.tls,
        ca=ca,
    )


def selector_fault(config: SourceConfig) -> str:
    """Which of a source's selectors cannot be read, and why; or nothing."""
    where = "selectors"
    try:
        if config.selectors is not None:
            listing.check(_listing(config.selectors))
        where = "page"
        if config.page is not None:
            selected.check(_page(config.page))
    except SelectorError as error:
        return f"{where}.{error}"
    return ""


def authorities_fault(config: SourceConfig) -> str:
    """Why a source's file of certificates cannot be used, or nothing."""
    try:
        if config.ca_file:
            trust.authorities(config.ca_file)
    except ConfigError as error:
        return str(error)
    return ""


def _listing(given: SelectorsConfig) -> Selectors:
    return Selectors(**{name: getattr(given, name) for name in Selectors.__struct_fields__})


def _page(given: PageSelectorsConfig) -> PageSelectors:
    return PageSelectors(**{name: getattr(given, name) for name in PageSelectors.__struct_fields__})


def configured(config: Config) -> list[SourceConfig]:
    """What is to be watched: the shipped sources that the file names, and its own, which go before them."""
    named = {source.id: source for source in shipped.chosen(config.collector.catalogue)}
    return list((named | {source.id: source for source in config.sources}).values())


def source_outputs(config: Config, now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    """The records that make topic `sources` say what the file says; `existing` is the table of now.

    A removed source is a tombstone here and nowhere else: the collector, the only writer of its own state, keeps
    the items. Raises ConfigError when a source's publisher changed: its items' identity would be lost.
    """
    wanted = {source.id: source for source in map(source_of, configured(config))}
    for key, record in existing.items():
        _check_publisher(key.decode(), record, wanted)
    return changes(TOPIC, wanted, now_ms, existing, partition_by=lambda id_: wanted[id_].publisher)


def _check_publisher(id_: str, record: Record, wanted: Mapping[str, Source]) -> None:
    old, new = _decoded(record), wanted.get(id_)
    if old is not None and new is not None and old.publisher != new.publisher:
        raise ConfigError(
            f"sources: {id_!r} belongs to publisher {old.publisher!r} for good; give it a new id to move it"
        )


def _decoded(record: Record) -> Source | None:
    try:
        return codec.decode_as(record, Source)
    except DecodeError:
        return None


def _host(config: SourceConfig) -> str:
    try:
        parts = urlsplit(config.url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"sources: {config.id!r}: {config.url!r} is not an http or https address")
    return parts.hostname.removeprefix("www.")
