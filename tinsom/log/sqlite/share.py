"""How members share a group's partitions: pure, the same answer in every process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def quotas(members: Sequence[str], held: Mapping[str, int], partitions: int) -> dict[str, int]:
    """How many partitions each member should hold; who holds more keeps the odd one, so little moves."""
    order = sorted(members, key=lambda member: (-held.get(member, 0), member))
    base, odd = divmod(partitions, len(order))
    return {member: base + (1 if place < odd else 0) for place, member in enumerate(order)}


def moves(
    me: str, members: Sequence[str], owners: Mapping[int, str], partitions: Sequence[int]
) -> tuple[list[int], list[int]]:
    """What `me` should claim and release. `owners` has live owners only; the rest is free.

    Releases come first in time: what is above its owner's quota becomes free, then the others claim it.
    """
    mine = [p for p in partitions if owners.get(p) == me]
    held = {member: sum(1 for owner in owners.values() if owner == member) for member in members}
    quota = quotas(members, held, len(partitions))[me]
    free = [p for p in partitions if p not in owners]
    return free[: max(0, quota - len(mine))], mine[quota:]
