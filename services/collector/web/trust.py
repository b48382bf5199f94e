"""How far a server's certificate is believed, by host: always, but for sources that name an exception.

A source may bring certificates of its own (a server that does not send its chain) or give verification up. That
holds for the host of its address, its pages and robots.txt included, and for no other host.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from tinsom import metrics
from tinsom.errors import ConfigError
from tinsom.messages import Source

VERIFY, UNVERIFIED, OWN_CA = "verify", "unverified", "own-ca"


class Trust:
    """The exceptions of the sources that are in use; visible as `tinsom_tls_exceptions`."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._sources: dict[str, Source] = {}
        for kind in (OWN_CA, UNVERIFIED):
            metrics.TLS_EXCEPTIONS.labels(kind)
        for source in sources:
            self.put(source)

    def put(self, source: Source) -> None:
        kind = exception_of(source)
        if kind != VERIFY:
            self.remove(source)
            self._sources[source.id] = source
            metrics.TLS_EXCEPTIONS.labels(kind).inc()

    def remove(self, source: Source) -> None:
        known = self._sources.pop(source.id, None)
        if known is not None:
            metrics.TLS_EXCEPTIONS.labels(exception_of(known)).dec()

    def of(self, host: str) -> ssl.SSLContext | bool:
        """What aiohttp takes for `ssl`. Of two exceptions for one host the one that still verifies counts."""
        found = [source for source in self._sources.values() if _host(source) == host.lower()]
        authorities = "".join(sorted({source.ca for source in found}))
        if not found:
            return True
        return _context(authorities) if authorities else False


def exception_of(source: Source) -> str:
    """`verify`, `own-ca` or `unverified`."""
    return OWN_CA if source.ca else source.tls


def authorities(file: str) -> str:
    """The certificates in `file`, as PEM; raises ConfigError."""
    try:
        text = Path(file).read_text("utf-8")
        _context(text)
    except (OSError, UnicodeError) as error:
        reason = "holds no PEM certificate" if isinstance(error, ssl.SSLError | UnicodeError) else error.strerror
        raise ConfigError(f"ca_file: {file}: {reason}") from None
    return text


@lru_cache(maxsize=64)
def _context(pem: str) -> ssl.SSLContext:
    """The system's authorities and those of `pem`: also one that is no root, or the server's own certificate."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _host(source: Source) -> str:
    return (urlsplit(source.url).hostname or "").lower()
