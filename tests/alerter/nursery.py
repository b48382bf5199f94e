"""A process that has imported everything and forks a `tinsom` for each line it reads: a kill costs a fork, not
the second of a fresh interpreter, so that a test can afford twenty.

`run\tLOG\tARGUMENT\t…` prints the new process's number, `wait\tPID` its exit code.
"""

from __future__ import annotations

import os
import signal
import sys

import tinsom.http
import tinsom.log.kafka
import tinsom.process  # noqa: F401
from services.cli import main


def _become(log: str, arguments: list[str]) -> None:
    signal.set_wakeup_fd(-1)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(file, number)
    sys.argv = ["tinsom", *arguments]
    main()


def _serve() -> None:
    for line in sys.stdin:
        order, first, *rest = line.rstrip("\n").split("\t")
        if order == "wait":
            print(os.waitstatus_to_exitcode(os.waitpid(int(first), 0)[1]), flush=True)
        elif (pid := os.fork()) == 0:
            try:
                _become(first, rest)
            except SystemExit as end:
                os._exit(int(end.code or 0))
            os._exit(0)
        else:
            print(pid, flush=True)


if __name__ == "__main__":
    _serve()
