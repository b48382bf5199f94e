"""The tables of the field guide as tests, row by row (tests/classifier/seed_rows.py)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from unittest import mock

import pytest

from services.classifier import assembly
from tests.classifier.private import needs_private_data
from tests.classifier.seed_rows import (
    AGENCIES,
    DOCUMENTS,
    DRAFTS,
    INDICATORS,
    INITIATIVES,
    LATER,
    OFFICES,
    TASKS,
    DocumentRow,
    IndicatorRow,
    Row,
    TaskRow,
)
from tests.classifier.test_seeds import document_of, tags_of
from tinsom import messages as m

pytestmark = needs_private_data


@cache
def tags(seed: int) -> m.Tags:
    with mock.patch.object(assembly, "MAX_EVIDENCE", 10_000):  # a row looks at one place of many
        return tags_of(seed)


def at(row: Row, found: list[m.Tag]) -> Iterator[m.Tag]:
    """The tags that the words of the row prove."""
    title, text = (field.replace("\u00a0", " ") for field in document_of(row.seed))
    spans = [(name, i) for name, whole in (("title", title), ("text", text)) for i in _places(whole, row.phrase)]
    assert spans, "the seed does not hold the words of the row"
    for tag in found:
        for evidence in tag.evidence:
            if any(
                evidence.field == name and evidence.start < start + len(row.phrase) and evidence.end > start
                for name, start in spans
            ):
                yield tag
                break


def _places(text: str, words: str) -> Iterator[int]:
    start = text.find(words)
    while start != -1:
        yield start
        start = text.find(words, start + 1)


def check(row: Row, found: list[m.Tag]) -> None:
    if not row.phrase:
        assert row.id not in {tag.id for tag in found}
    elif row.role == "X":
        assert [tag.id for tag in at(row, found)] == []
    else:
        proved = {tag.id: tag for tag in at(row, found)}
        assert row.id in proved
        assert row.role != "P" or proved[row.id].role == "primary"


@pytest.mark.parametrize("row", INITIATIVES, ids=str)
def test_initiatives(row: Row) -> None:
    check(row, tags(row.seed).initiatives)


@pytest.mark.parametrize("row", AGENCIES, ids=str)
def test_agencies(row: Row) -> None:
    check(row, tags(row.seed).agencies)


@pytest.mark.parametrize("row", OFFICES, ids=str)
def test_offices_name_their_bodies(row: Row) -> None:
    check(row, tags(row.seed).agencies)


@pytest.mark.parametrize("row", DOCUMENTS, ids=str)
def test_documents(row: DocumentRow) -> None:
    (found,) = [document for document in tags(row.seed).documents if document.key == row.key]
    fields = (found.kind, found.number, found.issuer or "", found.date or "")
    assert fields == (row.kind, row.number, row.issuer, row.date)
    assert any(row.raw in whole.replace("\u00a0", " ") for whole in document_of(row.seed))
    assert found.raw.startswith(row.raw)


@pytest.mark.parametrize("row", DRAFTS, ids=str)
def test_documents_without_a_number(row: Row) -> None:
    check(row, tags(row.seed).initiatives)
    assert not LATER & {document.key for document in tags(row.seed).documents}


@pytest.mark.parametrize("row", TASKS, ids=str)
def test_tasks(row: TaskRow) -> None:
    (task,) = [task for task in tags(row.seed).tasks if row.words in task.raw.replace("\u00a0", " ")][:1]
    assert (set(task.lead), set(task.co), task.deadline) == (
        set(row.lead.split()),
        set(row.co.split()),
        row.deadline,
    )
    assert row.hedge == (task.hedge or "")


def test_months_early_are_no_deadline() -> None:
    assert not [task for task in tags(4).tasks if task.deadline and task.action.endswith("trước 6 tháng")]


@pytest.mark.parametrize("row", INDICATORS, ids=str)
def test_indicators(row: IndicatorRow) -> None:
    found = [(i.value, i.unit, i.of or None, i.to or None) for i in tags(row.seed).indicators]
    assert (row.value, row.unit, row.of, row.to) in found
