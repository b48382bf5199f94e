from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinsom.log.sqlite.share import moves, quotas

MEMBERS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


@given(members=MEMBERS, owners=st.dictionaries(st.integers(0, 11), st.sampled_from("abcdef")))
def test_rounds_of_moves_end_in_an_even_share_of_everything(members: list[str], owners: dict[int, str]) -> None:
    live = {p: owner for p, owner in owners.items() if owner in members}
    for _ in range(3):
        for member in members:
            _, releases = moves(member, members, live, range(12))
            for partition in releases:
                del live[partition]
        for member in members:
            claims, _ = moves(member, members, live, range(12))
            live.update(dict.fromkeys(claims, member))
    counts = [sum(owner == member for owner in live.values()) for member in members]
    assert sum(counts) == 12
    assert max(counts) - min(counts) <= 1


@given(members=MEMBERS, partitions=st.integers(0, 64))
def test_quotas_add_up(members: list[str], partitions: int) -> None:
    assert sum(quotas(members, {}, partitions).values()) == partitions


def test_an_even_share_moves_nothing_and_a_leaver_moves_only_its_own() -> None:
    owners = {0: "a", 1: "a", 2: "b", 3: "b"}
    assert moves("a", ["a", "b"], owners, range(4)) == ([], [])
    assert moves("b", ["b"], {2: "b", 3: "b"}, range(4)) == ([0, 1], [])
