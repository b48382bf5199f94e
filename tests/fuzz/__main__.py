"""python -m tests.fuzz [--seconds N] [--corpus FOLDER] [TARGET …]: coverage-guided fuzzing of the readers.

The time is shared by the targets, each in a process of its own, as libFuzzer wants it. Exit code 1 when one
of them broke; what broke it is in `fuzz-findings`, and belongs into `tests/fuzz/corpus` once it is mended.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SLOWEST = 10  # seconds for one input of at most LONGEST bytes
LONGEST = 16_384
MEGABYTES = 2_048


def fuzz_one(target: str, arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["services.collector", "feedparser", "tests.fuzz"]):
        from tests.fuzz.targets import ALL

    atheris.Setup([sys.argv[0], *arguments], ALL[target])
    atheris.Fuzz()


def command(target: str, seconds: float, corpus: Path, findings: Path, more: list[str]) -> list[str]:
    options = [
        *more,
        f"-max_total_time={max(1, int(seconds))}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={findings}/{target}-",
        f"-dict={HERE / 'words.dict'}",
        "-print_final_stats=1",
    ]
    return [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--one",
        target,
        *options,
        str(corpus),
        str(HERE / "corpus" / target),
    ]


def fuzz(targets: list[str], seconds: float, corpus: Path, findings: Path, more: list[str]) -> list[str]:
    """The targets that broke."""
    broken = []
    findings.mkdir(exist_ok=True)
    for target in targets:
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        print(f"fuzzing {target} for {seconds / len(targets):.0f} s", flush=True)
        if subprocess.run(command(target, seconds / len(targets), folder, findings, more), check=False).returncode:
            broken.append(target)
    return broken


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        fuzz_one(arguments[1], arguments[2:])
    from tests.fuzz.targets import ALL

    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--corpus", type=Path, help="kept between runs; a new one otherwise")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--runs", type=int, default=-1, help="inputs for each target, at most")
    parser.add_argument("--seed", type=int, default=0, help="of what is tried; 0: another one each time")
    parser.add_argument("targets", nargs="*", default=list(ALL))
    given = parser.parse_args(arguments)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(
            "atheris is not installed: it has no wheel for this Python or system (docs/limits.md)", file=sys.stderr
        )
        return 3
    with tempfile.TemporaryDirectory() as fresh:
        more = [f"-runs={given.runs}", f"-seed={given.seed}"]
        broken = fuzz(given.targets, given.seconds, given.corpus or Path(fresh), given.findings, more)
    print(f"{len(given.targets)} targets, broken: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
