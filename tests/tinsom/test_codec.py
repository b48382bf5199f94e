"""Messages as records: golden ones of every type, unknown fields, faults with a name, CloudEvents headers."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.stage import tagged
from tests import golden
from tinsom import codec, replay
from tinsom import messages as m
from tinsom.errors import DecodeError
from tinsom.log import Record

NAMES = sorted(codec.TYPES)


def records(name: str) -> list[Record]:
    if not golden.path_of(name).exists():
        pytest.fail("a message type is new: `python -m tests.golden` writes its record")
    lines = golden.path_of(name).read_bytes().splitlines()
    return [replay.record_of(line, "items") for line in lines]


def item_record(value: bytes | None, ce_type: bytes | None = b"vn.tinsom.item.v1") -> Record:
    headers = () if ce_type is None else (("ce_type", ce_type),)
    return Record("items", 0, 0, 1, b"k", value, headers)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_released_version_wrote_is_read_and_written_again_byte_for_byte(name: str) -> None:
    """A type without a file: `python -m tests.golden` writes it."""
    for record in records(name):
        message = codec.decode(record)
        assert isinstance(message, codec.TYPES[name])
        assert codec.to_bytes(message) == record.value


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_record_sets_every_field(name: str) -> None:
    def unset(message: object) -> list[str]:
        assert isinstance(message, msgspec.Struct)
        fields = msgspec.structs.fields(type(message))
        return [f.name for f in fields if not f.required and getattr(message, f.name) == f.default]

    newest = codec.decode(records(name)[-1])
    assert unset(newest) == [], "a field is new: `python -m tests.golden` adds a line"


@pytest.mark.parametrize("name", NAMES)
def test_headers_are_those_of_cloudevents_in_binary_mode(name: str) -> None:
    for record in records(name):
        headers = dict(record.headers)
        assert len(headers) == len(record.headers)
        assert headers["ce_specversion"] == b"1.0"
        assert headers["ce_type"] == name.encode()
        assert headers["ce_source"] == b"/tinsom/golden"
        assert headers["ce_subject"] == record.key
        assert headers["content-type"] == b"application/json"
        assert headers["ce_time"] == b"2026-10-14T01:35:00.250Z"
        assert re.fullmatch(rb"[0-9a-f]{32}", headers["ce_id"])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_content_has_the_same_id_for_ever(name: str) -> None:
    record = records(name)[-1]
    again = codec.output("items", "khoá", codec.decode(record), record.timestamp, source="golden")
    assert again.headers == record.headers


@given(st.integers(0, 4_102_444_800_000))
def test_ce_time_is_the_records_time_to_the_millisecond(timestamp: int) -> None:
    headers = dict(codec.output("sources", "k", m.Version(version="1", entries=0), timestamp, source="s").headers)
    when = datetime.fromisoformat(headers["ce_time"].decode())
    assert when.tzinfo == UTC
    assert abs(when.timestamp() * 1000 - timestamp) < 1


def test_key_value_and_type_make_the_id_and_nothing_else() -> None:
    def id_of(key: str = "k", version: str = "1", timestamp: int = 1, source: str = "s") -> bytes:
        message = m.Version(version=version, entries=0)
        return dict(codec.output("sources", key, message, timestamp, source=source).headers)["ce_id"]

    assert id_of() == id_of(timestamp=2) == id_of(source="t")
    assert len({id_of(), id_of(key="l"), id_of(version="2")}) == 3


def test_unknown_fields_are_read_over() -> None:
    item = codec.to_bytes(golden.example(m.Item))
    newer = item[:-1] + b',"from_the_future":{"a":[1]}}'
    assert codec.decode(item_record(newer)) == codec.decode(item_record(item))


def test_an_unknown_field_of_an_item_survives_the_tag_step() -> None:
    newer = codec.to_bytes(golden.example(m.Item))[:-1] + b',"from_the_future":"here"}'
    output = tagged(newer, "id", m.Tags(id="id"), 1)
    message = codec.decode(Record("tagged", 0, 0, 1, output.key, output.value, output.headers))
    assert isinstance(message, m.TaggedItem)
    assert bytes(message.item) == newer


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (item_record(b"{}", ce_type=None), "no-type"),
        (item_record(b"{}", ce_type=b"vn.tinsom.item.v99"), "unknown-type"),
        (item_record(b"{}", ce_type=b"\xff\xfe"), "unknown-type"),
        (item_record(None), "null-value"),
        (item_record(b"{}"), "schema"),
        (item_record(b""), "schema"),
        (item_record(b"\xff\xfe{"), "schema"),
        (item_record(b'{"id":"\xff"}'), "schema"),
        (item_record(b"[" * 100_000), "schema"),
    ],
)
def test_what_cannot_be_read_has_a_reason_of_a_closed_list(record: Record, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode(record)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_decode_error(value: bytes) -> None:
    for name in NAMES:
        with contextlib.suppress(DecodeError):
            codec.decode(item_record(value, name.encode()))


def test_a_message_of_another_type_is_unexpected() -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode_as(records("vn.tinsom.version.v1")[0], m.Item)
    assert caught.value.reason == "unexpected-type"


def test_a_nested_message_that_cannot_be_read_is_a_schema_fault() -> None:
    with pytest.raises(DecodeError) as caught:
        codec.from_bytes(msgspec.Raw(b'{"id":1}'), m.Item)
    assert caught.value.reason == "schema"


def test_a_types_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match=r"vn\.tinsom\.item\.v1 is taken"):
        codec.register("vn.tinsom.item.v1", m.Version)
    codec.register("vn.tinsom.item.v1", m.Item)


def test_a_tombstone_has_no_value_and_the_partition_of_its_record() -> None:
    gone = codec.tombstone("sources", "a", 5, partition_by="publisher")
    assert (gone.key, gone.value, gone.partition_by, gone.headers) == (b"a", None, b"publisher", ())
