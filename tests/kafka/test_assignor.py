"""The two-step sharing of partitions, without a broker."""

from __future__ import annotations

from functools import partial

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol.metadata import MetadataResponse_v0
from hypothesis import given
from hypothesis import strategies as st

from tinsom.log.kafka.assignor import assignor_for, withhold

P = [TopicPartition("t", n) for n in range(6)]
MEMBERS = "abcd"
SHARES = st.lists(st.sampled_from(MEMBERS), min_size=6, max_size=6)


def by_member(owners: list[str]) -> dict[str, list[TopicPartition]]:
    return {m: [p for p, owner in zip(P, owners, strict=True) if owner == m] for m in MEMBERS}


@given(target=SHARES, held=SHARES)
def test_nobody_is_given_what_another_still_holds_and_the_second_round_gives_it(
    target: list[str], held: list[str]
) -> None:
    first = withhold(by_member(target), by_member(held))
    for member, given_now in first.items():
        assert all(held[p.partition] == member for p in given_now)
    second = withhold(by_member(target), first)
    assert second == by_member(target)


def cluster(partitions: int) -> ClusterMetadata:
    metadata = ClusterMetadata()
    rows = [(0, n, 0, [0], [0]) for n in range(partitions)]
    metadata.update_metadata(MetadataResponse_v0([(0, "localhost", 9092)], [(0, "t", rows)]))
    return metadata


def rounds(members: dict[str, list[TopicPartition]], partitions: int) -> list[dict[str, list[TopicPartition]]]:
    """What each member holds after each round, when everybody lets go of what it was not given."""
    history = []
    for _ in range(3):
        metadata = {m: assignor_for(partial(list, held)).metadata(["t"]) for m, held in members.items()}
        shares = assignor_for(list).assign(cluster(partitions), metadata)
        members = {m: share.partitions() for m, share in shares.items()}
        history.append(members)
    return history


@given(count=st.integers(1, 4), partitions=st.integers(1, 12))
def test_a_newcomer_has_its_share_after_two_rounds_and_little_moves(count: int, partitions: int) -> None:
    settled = rounds({f"m{n}": [] for n in range(count)}, partitions)[-1]
    first, second, third = rounds(settled | {"new": []}, partitions)
    assert first["new"] == []
    assert second == third
    sizes = sorted(len(held) for held in third.values())
    assert sum(sizes) == partitions
    assert sizes[-1] - sizes[0] <= 1
    for member, held in settled.items():
        assert set(third[member]) <= set(held)


def test_a_leaver_moves_only_its_own() -> None:
    settled = rounds({"a": [], "b": [], "c": []}, 12)[-1]
    left = {m: held for m, held in settled.items() if m != "b"}
    after = rounds(left, 12)[0]
    assert all(set(settled[m]) <= set(after[m]) for m in left)
    assert sum(len(held) for held in after.values()) == 12


def test_assignors_of_two_consumers_share_no_state() -> None:
    one, two = assignor_for(lambda: P[:1]), assignor_for(lambda: P[1:2])
    two.on_assignment(one.assign(cluster(2), {"m": one.metadata(["t"])})["m"])
    assert one.parse_member_metadata(one.metadata(["t"])).partitions == P[:1]
