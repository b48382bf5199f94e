"""`reader`, the Python feed reader library, on the same feeds, in an environment made when first needed.

It is no dependency of ours: where it cannot be installed, its figures are left out, and a line says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HOME = Path(tempfile.gettempdir()) / "tinsom-bench-reader"
# reader's own parser still imports a module that feedparser has renamed.
WANTED = ("reader>=3.26", "sgmllib3k")
FEEDS = 60
SECONDS_TO_INSTALL = 300

# Runs there, with nothing of ours: (mode, passes before the measured one) → CPU milliseconds a feed.
PROGRAM = """
import json, logging, resource, sys
from reader import make_reader
logging.disable(logging.CRITICAL)
server, feeds = sys.argv[1], int(sys.argv[2])
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
found = {}
for name, mode in (("304", "etag"), ("unchanged 200", "plain"), ("1 new of 40", "grow")):
    reader = make_reader(":memory:")
    for feed in range(feeds):
        reader.add_feed(f"{server}/{mode}/{1000 + feed}")
    list(reader.update_feeds_iter(workers=1, scheduled=False))
    start = cpu()
    results = list(reader.update_feeds_iter(workers=1, scheduled=False))
    found[name] = (cpu() - start) / feeds * 1000
    bad = [r.value for r in results if isinstance(r.value, Exception)]
    if bad:
        raise bad[0]
print(json.dumps(found))
"""


def reader(server: str) -> dict[str, float]:
    """CPU milliseconds of one update by kind; empty where `reader` is not installed."""
    python = HOME / "bin" / "python"
    try:
        if not (HOME / ".ready").exists():
            _install(python)
        command = [str(python), "-c", PROGRAM, server, str(FEEDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS_TO_INSTALL)
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        print(f"reader is not installed: {said[-1] if said else type(error).__name__}", file=sys.stderr)
        return {}


def _install(python: Path) -> None:
    venv.create(HOME, with_pip=True, clear=True)
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *WANTED],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS_TO_INSTALL,
    )
    (HOME / ".ready").touch()
