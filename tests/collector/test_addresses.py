"""Sixty ways inside, each tried on the real fetcher: at once, and behind redirects. None arrives anywhere."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from services.collector.web import addresses
from services.collector.web.fetch import MAX_REDIRECTS, Fetcher, PublicResolver
from tests.collector.feedserver import FeedServer

# What stands between `http://` and the port.
INSIDE = {
    "loopback": ["127.0.0.1", "127.255.255.254"],
    "short": ["127.1", "127.0.1", "10.1", "0", "①②⑦.1"],
    "decimal": ["2130706433", "2852039166"],
    "hexadecimal": ["0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1", "0xa9fea9fe"],
    "octal": ["0177.0.0.1", "017700000001", "0251.0376.0251.0376"],
    "mixed": ["127.0x0.0.01", "0x7f.0.0.1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "[::]"],
    "private": ["10.0.0.1", "172.16.3.4", "172.31.255.255", "192.168.1.1"],
    "carrier": ["100.64.0.1", "100.127.255.254"],
    "link": ["169.254.1.1", "[fe80::1]", "[fe80::1%25eth0]", "[::1%25lo]"],
    "metadata": ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "[fd00:ec2::254]"],
    "not for hosts": ["198.18.0.1", "192.0.2.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    "IPv6": ["[::1]", "[0:0:0:0:0:0:0:1]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]"],
    "mapped": ["[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::ffff:0:7f00:1]"],
    "compatible": ["[::127.0.0.1]", "[::a00:1]"],
    "NAT64": ["[64:ff9b::7f00:1]", "[64:ff9b:1::a00:1]", "[64:ff9b:1:7f00:1:0:808:808]"],
    "6to4": ["[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "192.88.99.1"],
    "Teredo": ["[2001:0:7f00:1::]", "[2001:0:808:808::f5ff:fffe]"],
    "ISATAP": ["[2606:4700::5efe:7f00:1]", "[2606:4700::200:5efe:a00:1]"],
    "other digits and dots": ["①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.０.０.１", "𝟏𝟐𝟕.0.0.1", "١٢٧.٠.٠.١", "[::１]"],
    "escapes": ["%31%32%37.0.0.1", "127.0.0.1%00.bao.example", "127.0.0.1%09"],
    "before an @": ["bao.example@127.0.0.1", "bao.example:80@127.0.0.1", "a:b:c@[::1]", "bao.example%40@127.1"],
    "names": [
        "localhost",
        "LOCALHOST",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "localhost.",
        "127.0.0.1.",
        "127.0.0.1.nip.example",
        "rebind.example",
    ],
}
ADDRESSES = [(kind, host) for kind, hosts in INSIDE.items() for host in hosts]


@dataclass
class Inward(AbstractResolver):
    """A name server in the enemy's hands: every name leads to this machine."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked[host] += 1
        found = self.answers.get(host, ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
        return [ResolveResult(hostname=host, host=a, port=port, family=family, proto=0, flags=0) for a in found]

    async def close(self) -> None:
        return


def inward(**more: Any) -> Fetcher:
    # The hops are allowed by name; the name covers nothing else.
    return Fetcher(timeout=30.0, allow_private=["hop.test"], names=Inward({"hop.test": ["127.0.0.1"]}), **more)


def lead_in(server: FeedServer, target: str, hops: int) -> str:
    """The first address of a chain of `hops` redirects that ends at `target`."""
    for hop in range(hops):
        following = f"/hop/{hop + 1}" if hop + 1 < hops else target
        server.put(f"/hop/{hop}", status=(301, 302, 303, 307, 308)[hop % 5], Location=following)
    return server.url("/hop/0", "hop.test")


def test_there_are_sixty() -> None:
    assert len({host for _, host in ADDRESSES}) >= 60


async def test_inside_is_out_of_reach(server: FeedServer) -> None:
    """Nothing arrives at the server that listens there, and the outcome says why."""
    server.put("/feed", b"<rss/>")
    found = {}
    async with inward() as fetcher:
        for number, (kind, host) in enumerate(ADDRESSES):
            target = f"http://{host}:{server.port}/feed"
            direct = (await fetcher.get(target)).fault
            hops = number % MAX_REDIRECTS + 1
            behind = (await fetcher.get(lead_in(server, target, hops))).fault
            assert len(server.asked.pop("/hop/0")) == 1
            found[kind, host] = direct, behind
    print(f"\n{len(found)} addresses refused, directly and behind 1 to {MAX_REDIRECTS} redirects")
    assert {address: faults for address, faults in found.items() if faults != ("refused", "refused")} == {}
    assert server.asked["/feed"] == []


@pytest.mark.parametrize(
    "location",
    [
        "//127.0.0.1:{port}/feed",
        "HTTP://127.1:{port}/feed",
        " http://[::1]:{port}/feed",
        "http://hop.test@127.0.0.1:{port}/feed",
        "http://hop.test:{port}@localhost:{port}/feed",
        "http://127.0.0.1:{port}/feed#@hop.test/",
        "http://hop.test\\@127.0.0.1:{port}/feed",
        "http://[::1/feed",
        "https://0x7f000001:{port}/feed",
        "ftp://127.0.0.1/feed",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/feed",
        "data:text/xml,<rss/>",
        "javascript:alert(1)",
    ],
)
async def test_a_location_that_means_something_else(server: FeedServer, location: str) -> None:
    server.put("/feed", b"<rss/>")
    async with inward() as fetcher:
        found = await fetcher.get(lead_in(server, location.format(port=server.port), 2))
    assert found.fault == "refused"
    assert server.asked["/feed"] == []


async def test_what_was_checked_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers otherwise at every question is asked once; only what was public is gone to."""
    gone_to: list[str] = []

    async def connect(addr_infos: Any, **more: Any) -> socket.socket:
        gone_to.extend(info[4][0] for info in addr_infos)
        raise ConnectionRefusedError

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", connect)
    names = Inward({"rebind.example": ["127.0.0.1", "203.113.131.1", "169.254.169.254", "10.0.0.1"]})
    async with Fetcher(timeout=30.0, names=names) as fetcher:
        first = await fetcher.get("http://rebind.example/feed")
        names.answers["rebind.example"] = ["127.0.0.1"]
        assert (await fetcher.get("http://rebind.example/feed")).fault == "connection"
    assert first.fault == "connection"
    assert set(gone_to) == {"203.113.131.1"}
    assert names.asked["rebind.example"] == 1  # the second request used the checked answer


async def test_an_answer_that_turns_inward_after_a_while_is_refused() -> None:
    names = Inward({"rebind.example": ["203.113.131.1"]})
    resolver = PublicResolver(frozenset(), names)
    assert [one["host"] for one in await resolver.resolve("rebind.example")] == ["203.113.131.1"]
    names.answers["rebind.example"] = ["127.0.0.1"]
    with pytest.raises(OSError, match="none public"):
        await resolver.resolve("rebind.example")


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "64:ff9b:1::808:808", "203.113.131.1"],
)
def test_public_addresses_are_public(address: str) -> None:
    assert addresses.refusal(address) == ""


@pytest.mark.parametrize("address", ["", "x", "1.2.3", "::1::", "127.0.0.1/8"])
def test_what_is_no_address_is_gone_to_by_nobody(address: str) -> None:
    assert addresses.refusal(address) == "unreadable"
