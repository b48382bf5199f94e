from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinsom import deadletters
from tinsom.deadletters import letter, original, reasons
from tinsom.errors import OversizeError
from tinsom.log import Output, Record
from tinsom.topics import TOPICS

HEADERS = st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=4).map(tuple)
RECORDS = st.builds(
    Record,
    st.sampled_from(sorted(TOPICS)),
    st.integers(0, 63),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 45),
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=20),
    HEADERS,
)


def parked(record: Record, detail: str = "what") -> Record:
    made = letter(record, stage="tag", reason="schema", detail=detail, attempts=1, now=99)
    return Record(made.topic, 0, 0, made.timestamp, made.key, made.value, made.headers)


@given(RECORDS, st.text(max_size=500))
def test_a_letter_gives_its_record_back_byte_for_byte(record: Record, detail: str) -> None:
    found = parked(record, detail)
    assert original(found) == record
    assert reasons(found)["reason"] == "schema"
    assert len(reasons(found)["detail"]) <= deadletters.DETAIL_CHARS


@given(RECORDS)
def test_a_letter_of_a_letter_gives_the_letter_back(record: Record) -> None:
    """A dead letter that was redriven and failed again names its newest reason."""
    again = parked(original(parked(record)))
    assert original(again) == record


def test_a_record_that_is_no_letter_has_no_original() -> None:
    with pytest.raises(KeyError):
        original(Record("items", 0, 0, 0, b"k", b"v"))


def test_a_record_of_the_largest_size_fits_among_the_letters() -> None:
    limit = TOPICS["items"].max_bytes
    record = Record("items", 0, 0, 0, b"k", b"x" * limit)
    made = letter(record, stage="tag", reason="schema", detail="d" * 5_000, attempts=3, now=1)
    made.must_fit(TOPICS["dead-letters"].max_bytes)
    with pytest.raises(OversizeError, match="too large for items, which takes"):
        Output("items", b"k", b"x" * limit, 0).must_fit(limit)
