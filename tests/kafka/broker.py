"""Apache Kafka for tests: fetched by Maven, run in KRaft mode as a child process on loopback.

    python -m tests.kafka.broker          start one node, print its address, stop on Ctrl-C

The version is `TINSOM_KAFKA_VERSION` (4.2.1 unless set); the jars are kept in tests/kafka/target.
"""

from __future__ import annotations

import base64
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
VERSION = os.environ.get("TINSOM_KAFKA_VERSION", "4.2.1")
JAVA_OPTIONS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

# Short wherever a test would otherwise wait for a broker's housekeeping.
PROPERTIES = {
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "log.cleaner.backoff.ms": "500",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "offsets.retention.minutes": "129600",
    "offsets.topic.num.partitions": "4",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
    "transaction.state.log.num.partitions": "4",
}


class MissingError(Exception):
    """A program that is needed to run Kafka is not installed; the text says what to install."""


def libs(version: str = VERSION, say: Callable[[str], None] = print) -> Path:
    """Folder with Kafka's jars, fetched when it is not there yet; raises MissingError."""
    folder = HERE / "target" / f"libs-{version}"
    if not shutil.which("java"):
        raise MissingError("java is missing: install a Java 17 runtime (Debian: openjdk-17-jre-headless)")
    folder.parent.mkdir(exist_ok=True)
    with (HERE / "target" / "lock").open("w") as lock:  # two test runs must not fetch into one folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _fetch(version, folder, say)
    return folder


def _fetch(version: str, folder: Path, say: Callable[[str], None]) -> None:
    if not shutil.which("mvn"):
        raise MissingError("mvn is missing: install Maven (Debian: maven)")
    say(f"fetching Apache Kafka {version} by Maven, about 45 MB, once …")
    began = time.monotonic()
    profile = "kafka3" if version.startswith("3.") else "kafka4"
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), f"-P{profile}", f"-Dkafka.version={version}"]
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    result = subprocess.run([*command, *goal], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"Maven could not fetch Apache Kafka {version}:\n{result.stdout[-3000:]}")
    (folder / "complete").touch()
    say(f"fetched in {time.monotonic() - began:.0f} s")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def cluster_id() -> str:
    """Kafka's form of a UUID. The formatter takes a leading dash for an option, so draw again."""
    while True:
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):
            return name


def answers(port: int, timeout: float = 1.0) -> bool:
    """Does a broker on this port answer a question about its API versions?"""
    request = struct.pack(">hhih", 18, 0, 1, -1)  # ApiVersions v0, correlation id 1, no client id
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as s:
            s.settimeout(timeout)
            s.sendall(struct.pack(">i", len(request)) + request)
            return len(s.recv(8)) == 8
    except OSError:
        return False


@dataclass(frozen=True)
class Door:
    """Listeners beside the open one, by name, and what they ask; `scram`: users, as `--add-scram` has them."""

    ports: Mapping[str, int] = field(default_factory=dict)
    protocols: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    scram: Sequence[str] = ()


NO_DOOR = Door()


class Broker:
    """One node, broker and controller in one; its folder and ports outlive a kill."""

    def __init__(
        self,
        node: int,
        port: int,
        voters: dict[int, int],
        cluster: str,
        version: str = VERSION,
        door: Door = NO_DOOR,
    ) -> None:
        self.node, self.port, self.cluster, self.version, self.door = node, port, cluster, version, door
        self.folder = Path(tempfile.mkdtemp(prefix=f"tinsom-kafka-{node}-"))
        self._properties = self.folder / "server.properties"
        self._properties.write_text("".join(f"{k}={v}\n" for k, v in self._settings(voters).items()))
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def _settings(self, voters: dict[int, int]) -> dict[str, str]:
        replicas = str(min(3, len(voters)))
        guarded = "".join(f",{name}://127.0.0.1:{port}" for name, port in self.door.ports.items())
        protocols = "".join(f",{name}:{protocol}" for name, protocol in self.door.protocols.items())
        return PROPERTIES | {
            "process.roles": "broker,controller",
            "node.id": str(self.node),
            "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{port}" for n, port in voters.items()),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{voters[self.node]}{guarded}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}{guarded}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}",
            "log.dirs": str(self.folder / "data"),
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": str(min(2, len(voters))),
            **self.door.settings,
        }

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = HERE / "log4j2.properties"
        quiet = (f"-Dlog4j2.configurationFile={logging}", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        return ["java", *JAVA_OPTIONS, *quiet, "-cp", f"{libs(self.version)}/*", main, *arguments]

    def format(self) -> None:
        users = [argument for user in self.door.scram for argument in ("--add-scram", user)]
        arguments = ("format", "-t", self.cluster, "-c", str(self._properties))
        command = self._java("kafka.tools.StorageTool", *arguments, *users)
        subprocess.run(command, check=True, capture_output=True)

    def start(self) -> None:
        """Start the process; `wait` until it answers."""
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        # If this process dies in whatever way, the pipe closes and the broker goes too.
        guard = ["sh", "-c", f"read _; kill -9 {self._process.pid} 2>/dev/null"]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)

    def wait(self, seconds: float = 240.0) -> None:
        """Return when the node answers; raises RuntimeError with the end of its log when it does not."""
        deadline = time.monotonic() + seconds
        while not answers(self.port):
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"Kafka node {self.node} did not start:\n{self.log()[-3000:]}")
            time.sleep(0.1)

    def log(self) -> str:
        return (self.folder / "broker.log").read_text("utf-8", "replace")

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; kill it when that takes too long."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard.stdin.close()
            self._guard = None

    def remove(self) -> None:
        """Stop and delete the folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    """One node, or three with replication 3 and two in sync."""

    def __init__(self, nodes: int = 1, version: str = VERSION, door: Door = NO_DOOR) -> None:
        ports = free_ports(2 * nodes)
        voters = {node + 1: ports[nodes + node] for node in range(nodes)}
        name = cluster_id()
        self.brokers: Sequence[Broker] = [
            Broker(node, ports[node - 1], voters, name, version, door) for node in sorted(voters)
        ]

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def start(self) -> None:
        """Format, start and wait until every node answers."""
        for broker in self.brokers:
            broker.format()
            broker.start()
        for broker in self.brokers:
            broker.wait()

    def remove(self) -> None:
        for broker in self.brokers:
            broker.remove()

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Cluster() as cluster:
            print(f"Apache Kafka {VERSION} answers on {cluster.bootstrap}; Ctrl-C stops it", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except MissingError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
