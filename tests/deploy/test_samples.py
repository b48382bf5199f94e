"""Mails in a real browser, at a telephone's width and a mail program's (requirement 12)."""

from pathlib import Path

import pytest

from deploy import samples
from services.alerter import rendering
from tests.conftest import require


@pytest.mark.parametrize("width", samples.WIDTHS)
def test_nothing_has_to_be_scrolled_sideways(width: int) -> None:
    require("chromium", "chromium")
    telling = samples.alert(notice=samples.notice(title="Rấtdài" * 40, source="x" * 120, lede="y" * 300))
    pages = {
        "a mail with words that no line holds": rendering.mail_html(samples.letter(telling)),
        "a change": samples.mails()["thay-doi"],
        "a digest of 200": rendering.digest_html(samples.digest(200)),
    }
    seen = {name: samples.look(page, width) for name, page in pages.items()}
    assert {name: one.overflow for name, one in seen.items()} == dict.fromkeys(pages, 0)
    assert seen["a digest of 200"].height > 5_000, "it was laid out"


def test_a_page_that_is_too_wide_is_noticed() -> None:
    require("chromium", "chromium")
    assert samples.look('<table width="700"><tr><td>x</td></tr></table>', 360).overflow > 300


def test_the_pictures_are_those_of_the_page() -> None:
    shown = (samples.FOLDER.parent / "samples.md").read_text("utf-8")
    files = {file for _, _, file in samples.pictures()}
    assert set(samples.FOLDER.iterdir()) == files
    assert all(f"samples/{file.name}" in shown for file in files)
    assert all(Path(file).stat().st_size < 150_000 for file in files)
    assert all("(Mẫu)" in page for page in samples.mails().values()), "what is made up says so"
