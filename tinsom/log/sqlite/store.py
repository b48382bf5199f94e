"""The SQLite file: schema and statements, synchronous, one connection, run in the log's own thread.

A record's rowid is `partition id << 40 | offset`: one b-tree holds all partitions, each in order, so neither
reading nor appending needs a second index (rowid table: decision 0003, pages of 8 KiB: 0051). The index
that `find` goes by holds time and key in the order of writing, or nearly, so it grows at its end (decision 0044).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinsom.errors import FencedError, LogError, LogFullError
from tinsom.log import Headers, Output, Record
from tinsom.topics import Topic
from tinsom.words import counted

SCHEMA_VERSION = 1
BUSY_SECONDS = 60.0
OFFSET_BITS = 40
_OFFSETS = (1 << OFFSET_BITS) - 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partitions(
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, UNIQUE(topic, number));
CREATE TABLE IF NOT EXISTS records(
    id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB, headers BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS records_found ON records(id >> 40, timestamp, key);
CREATE TABLE IF NOT EXISTS offsets(
    grp TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY(grp, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members(
    grp TEXT NOT NULL, member TEXT NOT NULL, expires REAL NOT NULL, PRIMARY KEY(grp, member)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases(
    grp TEXT NOT NULL, partition INTEGER NOT NULL, member TEXT, epoch INTEGER NOT NULL,
    PRIMARY KEY(grp, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writers(name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
"""

_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(Headers).decode


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to commit for one partition of a group, until somebody takes a higher epoch."""

    group: str
    partition: int
    member: str
    epoch: int


Row = tuple[int, Output]
"""An output and the store's id of its partition."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What the owner of a partition writes, and the offset up to which it has read, as one."""

    rows: Sequence[Row]
    lease: Lease
    offset: int | None


class Store:
    def __init__(self, path: Path | str, topics: Sequence[Topic], *, create: bool = True) -> None:
        """Open the file, with `create` as all that is missing in it; raises LogError with what to do."""
        self.path = str(path)
        with self._errors():
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_SECONDS)
            if create:
                self._prepare(topics)
            else:
                self._db.execute("PRAGMA query_only = ON")
                self._must_be_a_log()
                self._check(topics)
        self.ids: dict[tuple[str, int], int] = {
            (t, n): i for i, t, n in self._db.execute("SELECT id, topic, number FROM partitions")
        }
        self._names = {i: name for name, i in self.ids.items()}
        self.missing = [topic.name for topic in topics if (topic.name, 0) not in self.ids]

    def _prepare(self, topics: Sequence[Topic]) -> None:
        self._db.execute("PRAGMA page_size = 8192")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # a commit that was reported survives a power cut
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
            self._check(topics)
            for topic in topics:
                self._create(topic)

    def _must_be_a_log(self) -> None:
        if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
            raise LogError(f"{self.path} holds no log; `tinsom topics apply` makes one")

    def _check(self, topics: Sequence[Topic]) -> None:
        (found,) = self._db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if int(found) != SCHEMA_VERSION:
            raise LogError(f"{self.path} has schema {found}, this program knows {SCHEMA_VERSION}; use its version")
        for topic in topics:
            if (have := self._partitions(topic)) not in (0, topic.partitions):
                had = f"topic {topic.name} has {counted(have, 'partition')}, not {topic.partitions}"
                raise LogError(f"{self.path}: {had}; they are fixed")

    def _create(self, topic: Topic) -> None:
        if not self._partitions(topic):
            rows = [(topic.name, n) for n in range(topic.partitions)]
            self._db.executemany("INSERT INTO partitions(topic, number) VALUES (?, ?)", rows)

    def _partitions(self, topic: Topic) -> int:
        (have,) = self._db.execute("SELECT count(*) FROM partitions WHERE topic = ?", (topic.name,)).fetchone()
        return int(have)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's errors as ours; whatever was open is rolled back by `_transaction`."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "") or ""
            if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and "WRITE" in name):
                raise LogFullError(
                    f"no room left on the disk that holds {self.path}; make room and start again, nothing was lost"
                ) from error
            if name.startswith("SQLITE_BUSY"):
                raise LogError(f"{self.path} was locked for {BUSY_SECONDS:.0f} s by another process") from error
            raise LogError(f"cannot use {self.path}: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back by itself; a second ROLLBACK would hide the reason.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    # --- records ---------------------------------------------------------------------------------------

    def commit(self, group: Sequence[Commit]) -> list[FencedError | None]:
        """Several commits in one transaction, each whole; FencedError for those whose lease is gone."""
        with self._transaction():
            fenced = [self._fenced(one.lease) for one in group]
            held = [one for one, error in zip(group, fenced, strict=True) if error is None]
            self._insert([row for one in held for row in one.rows])
            for one in held:
                if one.offset is not None:
                    self._move(one.lease.group, one.lease.partition, one.offset)
        return fenced

    def _move(self, group: str, partition: int, offset: int) -> None:
        self._db.execute(
            "INSERT INTO offsets VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET next = ?3",
            (group, partition, offset),
        )

    def _fenced(self, lease: Lease) -> FencedError | None:
        row = self._db.execute(
            "SELECT member, epoch FROM leases WHERE grp = ? AND partition = ?", (lease.group, lease.partition)
        ).fetchone()
        if row == (lease.member, lease.epoch):
            return None
        return FencedError(f"partition {self._names[lease.partition]} of {lease.group} has another owner")

    def _insert(self, rows: Sequence[Row]) -> None:
        """The hot path: 5 µs a record are the floor, so it makes one tuple per record and nothing else."""
        ends = {partition: self._end(partition) for partition in {partition for partition, _ in rows}}
        values = []
        for partition, output in rows:
            offset = ends[partition]
            ends[partition] = offset + 1
            record_id = partition << OFFSET_BITS | offset
            values.append((record_id, output.timestamp, output.key, output.value, _encode_headers(output.headers)))
        self._db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", values)
        self._db.executemany("UPDATE partitions SET next = ?2 WHERE id = ?1", list(ends.items()))

    def _end(self, partition: int) -> int:
        (end,) = self._db.execute("SELECT next FROM partitions WHERE id = ?", (partition,)).fetchone()
        return int(end)

    def append(self, rows: Sequence[Row], writer: str, epoch: int | None) -> int:
        """Write outside any group; `epoch` None takes the writer over. Returns the epoch held."""
        with self._transaction():
            (current,) = self._db.execute(
                "SELECT coalesce((SELECT epoch FROM writers WHERE name = ?), 0)", (writer,)
            ).fetchone()
            if epoch is None:
                epoch = int(current) + 1
                self._db.execute("INSERT OR REPLACE INTO writers VALUES (?, ?)", (writer, epoch))
            elif epoch != current:
                raise FencedError(f"another process writes as {writer} now; start this one again")
            self._insert(rows)
        return epoch

    def read(self, partition: int, start: int, stop: int, limit: int) -> list[Record]:
        """Up to `limit` records with start ≤ offset < stop, in order."""
        topic, number = self._names[partition]
        base = partition << OFFSET_BITS
        with self._errors():
            rows = self._db.execute(
                "SELECT id, timestamp, key, value, headers FROM records"
                " WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
                (base | start, base | stop, limit),
            ).fetchall()
        return [
            Record(topic, number, i & _OFFSETS, ts, key, value, _decode_headers(headers))
            for i, ts, key, value, headers in rows
        ]

    def find(self, partition: int, since: int, until: int, keys: Sequence[bytes] | None) -> list[int]:
        """Offsets of the records with since ≤ timestamp ≤ until, of these keys if any are given, in order."""
        marks = "" if keys is None else f" AND key IN ({','.join('?' * len(keys))})"
        spanned = "WHERE id >> 40 = ? AND timestamp BETWEEN ? AND ?"
        query = f"SELECT id FROM records INDEXED BY records_found {spanned}{marks} ORDER BY id"  # noqa: S608
        with self._errors():
            rows = self._db.execute(query, (partition, since, until, *(keys or ()))).fetchall()
        return [i & _OFFSETS for (i,) in rows]

    def read_each(self, partition: int, offsets: Sequence[int]) -> list[Record]:
        return [record for offset in offsets for record in self.read(partition, offset, offset + 1, 1)]

    def read_first(self, positions: Sequence[tuple[int, int]], limit: int) -> tuple[int, list[Record]] | None:
        """The first of `positions` (partition, offset) that has records, and up to `limit` of them."""
        ends = self.ends([partition for partition, _ in positions])
        for partition, position in positions:
            end = ends[partition][1]
            if position < end and (records := self.read(partition, position, end, limit)):
                return partition, records
        return None

    def ends(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Partition id → (first offset kept, next offset)."""
        marks = ",".join("?" * len(partitions))
        with self._errors():
            rows = self._db.execute(f"SELECT id, first, next FROM partitions WHERE id IN ({marks})", partitions)  # noqa: S608
            return {i: (first, end) for i, first, end in rows}

    def offset_at(self, partition: int, timestamp: int) -> int:
        base = partition << OFFSET_BITS
        row = self._db.execute(
            "SELECT id FROM records WHERE id >= ? AND id <= ? AND timestamp >= ? ORDER BY id LIMIT 1",
            (base, base | _OFFSETS, timestamp),
        ).fetchone()
        return int(row[0]) & _OFFSETS if row else self._end(partition)

    def committed(self, group: str, partitions: Sequence[int]) -> dict[int, int]:
        marks = ",".join("?" * len(partitions))
        query = f"SELECT partition, next FROM offsets WHERE grp = ? AND partition IN ({marks})"  # noqa: S608
        return dict(self._db.execute(query, (group, *partitions)).fetchall())

    def reset(self, group: str, partition: int, offset: int, now: float) -> None:
        """Set an offset while nobody works; raises LogError when a member of the group lives."""
        with self._transaction():
            live = self._db.execute("SELECT 1 FROM members WHERE grp = ? AND expires > ?", (group, now)).fetchone()
            if live is not None:
                raise LogError(f"{group} is running; stop it first")
            self._move(group, partition, offset)

    def data_version(self) -> int:
        """Changes when another connection has committed."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        return int(version)

    # --- leases ----------------------------------------------------------------------------------------

    def heartbeat(self, group: str, member: str, now: float, session: float) -> tuple[list[str], dict[int, Lease]]:
        """Stay a member for `session` seconds more. Returns the live members and the leases they hold."""
        with self._transaction():
            self._db.execute("DELETE FROM members WHERE grp = ? AND expires < ?", (group, now))
            self._db.execute("INSERT OR REPLACE INTO members VALUES (?, ?, ?)", (group, member, now + session))
            members = [m for (m,) in self._db.execute("SELECT member FROM members WHERE grp = ?", (group,))]
            rows = self._db.execute("SELECT partition, member, epoch FROM leases WHERE grp = ?", (group,))
            leases = {p: Lease(group, p, m, e) for p, m, e in rows if m in members}
        return members, leases

    def claim(self, group: str, partition: int, member: str, free: int | None) -> Lease | None:
        """Take a partition whose epoch is still `free` (None: never leased); the former owner is fenced."""
        with self._transaction():
            row = self._db.execute(
                "SELECT epoch FROM leases WHERE grp = ? AND partition = ?", (group, partition)
            ).fetchone()
            epoch = int(row[0]) if row else None
            if epoch != free:
                return None
            lease = Lease(group, partition, member, (epoch or 0) + 1)
            self._db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", (group, partition, member, lease.epoch)
            )
        return lease

    def epochs(self, group: str) -> dict[int, int]:
        return dict(self._db.execute("SELECT partition, epoch FROM leases WHERE grp = ?", (group,)).fetchall())

    def release(self, lease: Lease) -> None:
        with self._transaction():
            self._db.execute(
                "UPDATE leases SET member = NULL WHERE grp = ? AND partition = ? AND member = ? AND epoch = ?",
                (lease.group, lease.partition, lease.member, lease.epoch),
            )

    def leave(self, group: str, member: str) -> None:
        with self._transaction():
            self._db.execute("DELETE FROM members WHERE grp = ? AND member = ?", (group, member))

    # --- upkeep ----------------------------------------------------------------------------------------

    def expire(self, partition: int, before: int) -> int:
        """Delete the leading records older than `before` (ms); returns how many."""
        start = self.offset_at(partition, before)
        base = partition << OFFSET_BITS
        with self._transaction():
            deleted = self._db.execute(
                "DELETE FROM records WHERE id >= ? AND id < ?", (base, base | start)
            ).rowcount
            self._db.execute("UPDATE partitions SET first = max(first, ?) WHERE id = ?", (start, partition))
        return deleted

    def compact(self, partition: int, tombstones_before: int) -> int:
        """Keep the newest record per key, and no tombstone older than `tombstones_before` (ms)."""
        low, high = partition << OFFSET_BITS, partition << OFFSET_BITS | _OFFSETS
        with self._transaction():
            deleted = self._db.execute(
                "DELETE FROM records WHERE id BETWEEN ?1 AND ?2 AND key IS NOT NULL AND (id NOT IN"
                " (SELECT max(id) FROM records WHERE id BETWEEN ?1 AND ?2 GROUP BY key)"
                " OR (value IS NULL AND timestamp < ?3))",
                (low, high, tombstones_before),
            ).rowcount
        return deleted
