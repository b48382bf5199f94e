"""Which addresses may be reached: pure, asked at connection time for every address and every redirect hop."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# IPv4 carried inside IPv6: the inner address is what is reached. Of the local prefix (64:ff9b:1::/48) only the
# form in which no other reader could find another address inside.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/96"))
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # the last 64 bits of a tunnel's address, before the IPv4 one
# What `is_global` calls public, in some Python versions at least, and is not.
_SPECIAL = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # the host under a machine at Azure: metadata, in public space
    IPv6Network("2001::/23"),
    IPv6Network("3fff::/20"),  # documentation
    IPv6Network("fec0::/10"),  # site-local
)


def refusal(address: str) -> str:
    """Why `address` must not be connected to, or nothing. Closed words: `private`, `unreadable`."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return "unreadable"
    return "" if all(_public(one) for one in (ip, *_inside(ip))) else "private"


def _public(ip: IPv4Address | IPv6Address) -> bool:
    if any(ip in network for network in _NAT64):
        return True  # an IPv6-only network reaches everything so; the address inside decides
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _inside(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in (*_NAT64, _COMPATIBLE)) or int(ip) >> 32 & 0xFFFFFFFF in _ISATAP:
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
