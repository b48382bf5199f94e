"""Made-up alerts as readers see them: `python -m deploy.samples` writes the pictures of docs/samples.md anew.

It needs Chromium (package chromium). All names of papers, documents and dates in the samples are invented.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.alerter import rendering
from services.alerter.digests import Entry
from services.alerter.rendering import Digest, Letter
from tinsom.messages import Alert, Difference, Notice, Signal, TaskLine

FOLDER = Path(__file__).parents[1] / "docs" / "samples"
WIDTHS = (360, 600)
NOW = datetime(2026, 3, 2, 2, 10, tzinfo=UTC)
ZONE = "Asia/Ho_Chi_Minh"
LINK = "https://bao-thu.example.vn/tin/123"
LEAVE = "https://tin.example.vn/unsubscribe/chuyen-vien.0123456789abcdef"
# What a browser that mistrusts its own sandbox in containers is told; the pages are ours and load nothing.
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000")


def notice(**changes: object) -> Notice:
    fields: dict[str, object] = {
        "title": "(Mẫu) Bộ Công an yêu cầu hoàn thành kết nối dữ liệu dân cư trước 30/6 tại các địa phương",
        "url": LINK,
        "source": "Báo Thử Nghiệm",
        "fetched_at": NOW,
        "published_at": NOW - timedelta(minutes=6),
        "lede": "Văn bản mẫu này giao các địa phương rà soát, làm sạch dữ liệu và báo cáo kết quả hằng tháng; "
        "mọi tên báo, số hiệu và ngày tháng trong mẫu đều là hư cấu.",
        "initiatives": ["Đề án 06", "VNeID"],
        "agencies": ["Bộ Công an", "UBND tỉnh Đồng Tháp"],
        "places": ["Đồng Tháp"],
        "documents": ["999/KH-BCA-MAU"],
        "tasks": [
            TaskLine(who=["UBND các tỉnh"], action="hoàn thành kết nối cơ sở dữ liệu", deadline="2026-06-30"),
            TaskLine(who=["Công an cấp xã"], action="rà soát và làm sạch dữ liệu dân cư trên địa bàn"),
        ],
    }
    return Notice(**{**fields, **changes})  # type: ignore[arg-type]


def alert(number: int = 1, **changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": f"{number:032x}", "destination": "chuyen-vien", "story": f"s{number}", "revision": 1, "kind": "new",
        "item": f"i{number}", "subscriptions": ["de-an-06"], "notice": notice(),
        "reason": "Bạn theo dõi: Đề án 06 (sáng kiến), Đồng Tháp (địa phương)",
    }  # fmt: skip
    return Alert(**{**fields, **changes})  # type: ignore[arg-type]


def letter(told: Alert, **changes: object) -> Letter:
    return Letter(told, ZONE, "vi", NOW, unsubscribe=LEAVE, **changes)  # type: ignore[arg-type]


def _moved() -> Alert:
    moved = [
        Difference(field="deadline", before=["2026-06-30"], after=["2026-07-15"]),
        Difference(field="agency", after=["Bộ Khoa học và Công nghệ"]),
    ]
    return alert(2, kind="fact", differences=moved, notice=notice(sources=5, tasks=[_task("2026-07-15")]))


def _task(deadline: str) -> TaskLine:
    return TaskLine(who=["UBND các tỉnh"], action="hoàn thành kết nối cơ sở dữ liệu", deadline=deadline)


def _burst() -> Alert:
    signal = Signal(
        about="initiative:de-an-06", name="Đề án 06", observed=45, expected=4.5, window=10_800,
        since=NOW - timedelta(hours=3),
    )  # fmt: skip
    said = Notice(
        title="Đề án 06: 45 tin trong 3 giờ, thường là 4,5", url=LINK, source="Báo Thử Nghiệm", fetched_at=NOW,
        published_at=NOW - timedelta(hours=3), lede="Tin mới nhất: (Mẫu) Khai trương dịch vụ công mới",
    )  # fmt: skip
    return alert(4, kind="burst", signal=signal, notice=said, reason="Bạn theo dõi: tin dồn dập về Đề án 06")


def digest(count: int = 8) -> Digest:
    """Doubtful ones first, then deadlines, then by subject."""
    subjects = ["Đề án 06", "Nghị quyết 57-NQ/TW", "Trung tâm dữ liệu quốc gia"]
    entries = []
    for number in range(count):
        about = notice(
            title=f"(Mẫu) Tin số {number + 1} về việc triển khai nhiệm vụ được giao trong quý tại địa phương",
            initiatives=[subjects[number % 3]], sources=1 + number % 4, tasks=[] if number > 2 else notice().tasks,
            url=f"{LINK}-{number}",
        )  # fmt: skip
        entries.append(Entry(alert(number + 10, notice=about), doubtful=number == 0))
    entries.sort(key=lambda e: (not e.doubtful, not e.alert.notice.tasks, e.alert.notice.initiatives))
    return Digest("0" * 32, "chuyen-vien", entries, ZONE, "vi", NOW, unsubscribe=LEAVE)


def mails() -> dict[str, str]:
    """Name → HTML, in the order in which docs/samples.md shows them."""
    official = notice(
        sources=5, official_url="https://cong-thu.example.vn/vb/999", official_source="Cổng thông tin (mẫu)"
    )
    return {
        "moi": rendering.mail_html(letter(alert(notice=official), repeat=True)),
        "thay-doi": rendering.mail_html(letter(_moved())),
        "nhac-han": rendering.mail_html(letter(alert(3, kind="deadline", notice=_due()))),
        "don-dap": rendering.mail_html(letter(_burst())),
        "tong-hop": rendering.digest_html(digest()),
    }


def _due() -> Notice:
    task = TaskLine(who=["UBND tỉnh Đồng Tháp"], action="báo cáo kết quả làm sạch dữ liệu", deadline="2026-03-05")
    return notice(tasks=[task], lede="")


@dataclass(frozen=True)
class Seen:
    """How a browser lays a page out: its height, and by how much its content is wider than the window."""

    height: int
    overflow: int


def framed(page: str, width: int) -> str:
    """The page in a frame of that width: a browser's own window cannot be as narrow as a telephone's."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body style="margin:0;background:#fff">'
        f'<iframe id="f" srcdoc="{html.escape(page)}" width="{width}" height="10" style="border:0"></iframe>'
        "<script>onload=()=>{const f=document.getElementById('f'),r=f.contentDocument.documentElement;"
        "f.height=r.scrollHeight;document.title=JSON.stringify("
        "{height:r.scrollHeight,overflow:r.scrollWidth-r.clientWidth})}</script></body></html>"
    )


def look(page: str, width: int) -> Seen:
    """Raises OSError when there is no browser, ValueError when it says nothing."""
    with _written(framed(page, width)) as file:
        dom = _run(f"--window-size={width},900", "--dump-dom", file.as_uri())
    title = re.search(r"<title>(.*?)</title>", dom)
    if title is None:
        raise ValueError("the browser did not lay the page out")
    return Seen(**json.loads(html.unescape(title[1])))


def shoot(page: str, width: int, picture: Path) -> Seen:
    seen = look(page, width)
    with _written(framed(page, width)) as file:
        _run(f"--window-size={width},{seen.height}", f"--screenshot={picture}", file.as_uri())
    return seen


class _written:
    """A page as a file, while the block runs."""

    def __init__(self, page: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name, "page.html")
        self._file.write_text(page, "utf-8")

    def __enter__(self) -> Path:
        return self._file

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _run(*arguments: str) -> str:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise FileNotFoundError("no chromium")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *_FLAGS, f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    return done.stdout


def pictures() -> Iterator[tuple[str, int, Path]]:
    for name in mails():
        for width in WIDTHS:
            yield name, width, FOLDER / f"{name}-{width}.png"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    pages = mails()
    for name, width, file in pictures():
        print(name, width, shoot(pages[name], width, file))  # noqa: T201


if __name__ == "__main__":
    main()
