from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from services.classifier import commands
from services.classifier.tagger import TagInput
from tests.classifier.private import tagger
from tinsom.errors import InputError


def run(*lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in commands.tag_lines(lines, tagger())]


def test_the_contract_of_one_line() -> None:
    line = {"id": "a", "title": "Bộ Công an: Đề án 06", "text": "", "published_at": "2025-06-15T08:00:00+07:00"}
    (out,) = run(json.dumps(line).encode())
    assert list(out) == [
        "id", "initiatives", "agencies", "documents", "places", "events", "tasks", "indicators", "taxonomy",
    ]  # fmt: skip
    (initiative,) = out["initiatives"]
    assert initiative["id"] == "de-an-06"
    assert set(initiative) == {"id", "role", "score", "evidence"}
    assert initiative["evidence"] == [{"field": "title", "start": 12, "end": 20, "rule": "de-an-06/alias"}]


def test_a_bad_line_is_an_error_in_its_place() -> None:
    outs = run(b'{"id":"a","title":"x"}', b"nonsense", b'{"id":"b","title":7}', b"[]", b'{"id":"c","title":"y"}')
    assert [out.get("id") for out in outs] == ["a", None, None, None, "c"]
    assert [out.get("line") for out in outs] == [None, 2, 3, 4, None]
    assert all("\n" not in str(out["error"]) for out in outs if "error" in out)


def test_missing_and_null_fields_are_empty() -> None:
    (out,) = run(b'{"id":1,"title":null,"text":"VNeID","published_at":null,"url":"u","extra":{}}')
    assert out["id"] == "1"


@pytest.mark.parametrize(
    ("raw", "day"),
    [("2025-06-15", date(2025, 6, 15)), ("16:49, 24/09/2025", date(2025, 9, 24)), ("2025-06-15T01:00:00Z", None)],
)
def test_dates_as_feeds_and_pages_write_them(raw: str, day: date | None) -> None:
    found = commands.published(raw)
    assert found is not None
    if day:
        assert (found.year, found.month, found.day) == (day.year, day.month, day.day)


def test_a_date_that_is_none_is_an_error() -> None:
    assert "error" in run(b'{"id":"a","title":"x","published_at":"soon"}')[0]


def test_the_first_short_line_is_the_title() -> None:
    item = commands.from_text("Tiêu đề\n25/12/2022\nNội dung")
    assert (item.title, item.published_at) == ("Tiêu đề", date(2022, 12, 25))
    assert commands.from_text("Chỉ một dòng\n") == TagInput(title="Chỉ một dòng")
    assert commands.from_text("dài " * 70).title == ""


def test_a_labelled_file_is_scored() -> None:
    rows = [b'{"id":"a","title":"VNeID","initiatives":{"vneid":"primary"}}', b""]
    report = commands.evaluate(rows, tagger())
    count = report.by_kind["initiatives primary"]  # with the parent
    assert (count.right, count.wrong, count.missed) == (2, 0, 0)
    with pytest.raises(InputError, match="line 1"):
        commands.evaluate([b"{"], tagger())


def test_lint_of_the_shipped_files() -> None:
    assert commands.lint() == []
