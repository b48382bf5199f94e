"""topics, dead-letters, dump, replay: on an embedded log with a few records in it."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.running import Command
from tinsom import codec, deadletters
from tinsom.log import Output, Record
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Item

TIMES = [int(datetime(2026, 10, day, tzinfo=UTC).timestamp() * 1000) for day in (1, 2, 3)]


def item(number: int, when: int | None = None) -> Output:
    when = when or TIMES[number % 3]
    made = Item(
        id=f"i{number}", publisher="p", source="s", url=f"http://x/{number}", title="Đề án 06 tại Đồng Tháp",
        fetched_at=datetime.fromtimestamp(when / 1000, UTC),
    )  # fmt: skip
    return codec.output("items", made.id, made, when, source="collector")


def append(folder: Path, *outputs: Output) -> None:
    async def work() -> None:
        log = SqliteLog(folder / "tinsom.db")
        await log.start()
        await log.append(outputs, writer="test")
        await log.close()

    asyncio.run(work())


@pytest.fixture(autouse=True)
def filled(folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("http: {port: 0}\n")
    poison = Record("items", 4, 7, TIMES[0], b"\xff", b"\x00", (("ce_type", b"x"),))
    letter = deadletters.letter(poison, stage="tag", reason="schema", detail="bad", attempts=1, now=TIMES[1])
    append(folder, *(item(number) for number in range(9)), letter)


# --- topics -------------------------------------------------------------------------------------------------


def test_topics_check_shows_every_topic_with_its_contract_and_records(tinsom: Command) -> None:
    rows = {line.split("\t")[0]: line.split("\t") for line in tinsom("topics", "check").lines[1:]}
    assert len(rows) == 15
    assert rows["items"][1:5] == ["12", "delete", "45", "9"]
    assert rows["dead-letters"][4] == "1"


def test_topics_check_names_what_is_missing_and_creates_nothing(tinsom: Command, folder: Path) -> None:
    with sqlite3.connect(folder / "tinsom.db") as file:
        file.execute("DELETE FROM partitions WHERE topic IN ('names', 'verdicts')")
    file.close()
    for _ in range(2):
        result = tinsom("topics", "check")
        assert (result.code, result.error) == (1, "missing: names, verdicts; `tinsom topics apply` creates them")
        assert result.lines[5].split("\t")[:5] == ["names", "1", "compact", "", "missing"]
    tinsom("topics", "apply")
    assert tinsom("topics", "check").code == 0


def test_topics_apply_makes_a_log(tinsom: Command, folder: Path) -> None:
    (folder / "other.yaml").write_text("log: {path: other.db}\nnamespace: mine\n")
    assert tinsom("topics", "apply", "-c", "other.yaml").out == "15 topics are in place in namespace mine\n"
    assert tinsom("topics", "check", "-c", "other.yaml").code == 0


def test_seek_moves_a_group_to_the_beginning_the_end_or_a_time(tinsom: Command) -> None:
    def offsets(to: str) -> int:
        result = tinsom("topics", "seek", "tag", "items", "--to", to)
        assert len(result.lines) == 12
        return sum(int(line.split()[-1]) for line in result.lines)

    assert (offsets("latest"), offsets("earliest"), offsets("1m")) == (9, 0, 9)
    assert 0 < offsets("2026-10-02T00:00:00+00:00") < 9


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("foo", "items", "--to", "latest"), "'foo' does not read items; tag reads items, stories reads tagged"),
        (("tag", "tagged", "--to", "latest"), "'tag' does not read tagged"),
        (("tag", "nosuch", "--to", "latest"), "there is no topic 'nosuch'; there are sources, feed-state, items"),
        (("tag", "items", "--to", "yesterday"), "'yesterday' is no time; write 2h, 3d or 2026-10-01T08:00+07:00"),
    ],
)
def test_seek_refuses_what_is_none(tinsom: Command, arguments: tuple[str, ...], text: str) -> None:
    assert text in tinsom.fails("topics", "seek", *arguments, code=1)


# --- dead letters -------------------------------------------------------------------------------------------


def test_a_dead_letter_is_listed_shown_and_put_back(tinsom: Command) -> None:
    header, row = tinsom("dead-letters", "list").lines
    assert header.split("\t") == ["id", "at", "stage", "from", "reason", "detail"]
    id_, at, *rest = row.split("\t")
    assert (at, rest) == ("2026-10-02T00:00:00+00:00", ["tag", "items[4] 7", "schema", "bad"])
    shown = tinsom("dead-letters", "show", id_)
    assert "reason: schema" in shown.lines
    assert json.loads(shown.lines[-1])["key_base64"] == "/w=="
    assert tinsom("dead-letters", "redrive", id_).out == "back in items[4]: �\n"
    rows = {line.split("\t")[0]: line.split("\t")[4] for line in tinsom("topics", "check").lines[1:]}
    assert (rows["items"], rows["dead-letters"]) == ("10", "1")


def test_all_dead_letters_are_put_back_at_once(tinsom: Command) -> None:
    assert len(tinsom("dead-letters", "redrive", "--all").lines) == 1


def test_an_id_that_is_none_says_where_they_are(tinsom: Command) -> None:
    for command in ("show", "redrive"):
        assert tinsom.fails("dead-letters", command, "9-9", code=1) == (
            "tinsom: there is no dead letter '9-9'; `tinsom dead-letters list` shows their ids"
        )


def test_no_dead_letter_is_good_news(tinsom: Command, folder: Path) -> None:
    (folder / "other.yaml").write_text("log: {path: other.db}\n")
    tinsom("topics", "apply", "-c", "other.yaml")
    result = tinsom("dead-letters", "list", "-c", "other.yaml")
    assert (result.code, result.out, result.error) == (0, "", "there is no dead letter")


# --- dump and replay ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["items.jsonl", "items.gz"])
def test_a_dump_is_replayed_into_a_namespace_of_its_own(tinsom: Command, folder: Path, name: str) -> None:
    assert tinsom("dump", "items", name).out == f"9 records of items in {name}\n"
    before = (folder / "tinsom.db").read_bytes()
    assert tinsom("replay", name, "--namespace", "r1").out == "9 records of items in namespace r1\n"
    assert (folder / "tinsom.db").read_bytes() == before
    assert (folder / "tinsom.r1.db").exists()
    (folder / "r1.yaml").write_text("namespace: r1\n")
    assert tinsom("dump", "items", "again.jsonl", "-c", "r1.yaml").code == 0
    content = (folder / name).read_bytes()
    content = gzip.decompress(content) if name.endswith("gz") else content
    assert (folder / "again.jsonl").read_bytes() == content


def test_a_dump_goes_into_a_pipe(tinsom: Command, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tinsom("dump", "items", "file")
    capfd.readouterr()
    result = tinsom("dump", "items", "-")
    assert capfd.readouterr().out == (folder / "file").read_text("utf-8")
    assert (result.out, result.error) == ("", "9 records of items in standard output")
    assert not (folder / "-").exists()


def test_a_dump_goes_behind_what_its_output_holds(tinsom: Command, folder: Path) -> None:
    """As `tinsom dump items - >> file`."""
    tinsom("dump", "items", "file")
    kept = folder / "kept"
    kept.write_text("before\n")
    with kept.open("ab") as file:
        subprocess.run([sys.executable, "-m", "services.cli", "dump", "items", "-"], stdout=file, check=True)
    assert kept.read_text("utf-8") == "before\n" + (folder / "file").read_text("utf-8")


def test_a_dump_takes_a_span_of_time(tinsom: Command) -> None:
    span = ("--since", "2026-10-02T00:00:00+00:00", "--until", "2026-10-03T00:00:00+00:00")
    assert tinsom("dump", "items", "day.jsonl", *span).out.startswith("3 records of items")
    assert tinsom("dump", "items", "now.jsonl", "--since", "2h").out.startswith("0 records of items")


def test_a_second_replay_into_a_namespace_wants_to_be_meant(tinsom: Command) -> None:
    tinsom("dump", "items", "f")
    tinsom("replay", "f", "--namespace", "r1")
    assert "namespace r1 holds items already; name another one, or --append" in tinsom.fails(
        "replay", "f", "--namespace", "r1", code=1
    )
    assert tinsom("replay", "f", "--namespace", "r1", "--append").code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("dump", "nosuch", "f"), "there is no topic 'nosuch'"),
        (("dump", "items", "nosuch/f"), "cannot write nosuch/f: No such file or directory"),
        (("dump", "items", "/dev/full"), "cannot write /dev/full: No space left on device"),
        (("dump", "items", "f", "--since", "soon"), "'soon' is no time"),
        (("replay", "nosuch", "--namespace", "r"), "cannot read nosuch: No such file or directory"),
        (("replay", "tinsom.yaml", "--namespace", "r"), "tinsom.yaml: not a dump of a topic"),
        (
            ("replay", "good", "--namespace", "tinsom"),
            "namespace 'tinsom' is the live one; a replay needs another",
        ),
        (
            ("replay", "good", "--namespace", "../r"),
            "'../r' is no name of a namespace; use letters, digits, - and _",
        ),
        (("replay", "bad", "--namespace", "r"), "bad:2: not a line of a dump"),
        (("replay", "cut.gz", "--namespace", "r"), "cut.gz"),
        (("replay", "wide", "--namespace", "r"), "wide: items has a partition 99 there and 12 partitions here"),
        (
            ("replay", "state", "--namespace", "r", "--run"),
            "no stage reads feed-state; a replay can run from items,",
        ),
    ],
)
def test_what_cannot_be_dumped_or_replayed_is_one_line(
    tinsom: Command, folder: Path, arguments: tuple[str, ...], text: str
) -> None:
    tinsom("dump", "items", "good")
    head = (folder / "good").read_bytes().splitlines()[0]
    (folder / "bad").write_bytes(head + b"\n{}\n")
    wide = b'{"p":99,"o":0,"ts":1,"key":"k","value":"v","headers":[]}'
    (folder / "wide").write_bytes(head + b"\n" + wide + b"\n")
    (folder / "state").write_bytes(head.replace(b"items", b"feed-state") + b"\n")
    (folder / "cut.gz").write_bytes(gzip.compress((folder / "good").read_bytes())[:-20])
    assert text in tinsom.fails(*arguments, code=1)
