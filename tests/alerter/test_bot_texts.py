"""What holds for every answer of the bot, whatever was said, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.bot import phrases
from services.alerter.bot.effects import Effects
from services.alerter.bot.subjects import KEYWORD_BYTES, free
from tests.alerter.talking import BUSY, DIRECTORY, ENGLISH, buttons, inside, press, say
from tests.fakes.telegram import markup as html

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=90)
FIRST = st.sampled_from(
    ["", "/follow ", "/unfollow ", "/mute ", "/quiet ", "/digest ", "/why ", "/list ", "/start "]
)


@given(FIRST, TEXTS)
def test_whatever_is_said_is_answered_with_what_the_bot_api_takes(first: str, text: str) -> None:
    talk = inside(forecast=BUSY)
    talk(say("/follow Đề án 06"))
    fits(talk(say(first + text)))


@given(TEXTS)
def test_whatever_a_button_sends_back(data: str) -> None:
    talk = inside()
    for verb in ("f:k:", "F:d:", "u:", "m:", "M:", "q:", "d:", "U:", "v:", "a:", ""):
        fits(talk(press(verb + data)))


def fits(effects_: Effects) -> None:
    """Well-formed, with no link but an item's own, and every button within 64 bytes."""
    if effects_.reply is not None:
        text, entities = html.parse(str(effects_.reply.text))
        assert text.strip()
        assert {e.url for e in entities if e.type == "text_link"} <= {"https://bao.vn/1"}
    for says, data in buttons(effects_).items():
        assert says.strip()
        assert 1 <= len(data.encode()) <= 64


@given(TEXTS)
def test_a_keyword_fits_behind_its_button(text: str) -> None:
    word = free(text)
    assert word is None or len(f"f:{word.code}".encode()) <= 64
    assert word is None or len(word.id.encode()) <= KEYWORD_BYTES


def test_every_name_fits_behind_every_button() -> None:
    longest = max(len(name.id) for name in DIRECTORY.names.values())
    assert len("M:8760:initiative:") + longest <= 64


def test_both_languages_say_the_same_things() -> None:
    folder = Path(phrases.__file__).with_name("phrasebook")
    vi, en = (yaml.safe_load((folder / f"{language}.yaml").read_text("utf-8")) for language in ("vi", "en"))
    assert vi.keys() == en.keys()
    for key in vi:
        assert set(re.findall(r"\{\w+\}", vi[key])) == set(re.findall(r"\{\w+\}", en[key])), key
        html.parse(vi[key])
        html.parse(en[key])
    source = "".join(path.read_text("utf-8") for path in folder.parent.glob("*.py"))
    unused = [
        key for key in vi if f'"{key}"' not in source and not re.match(r"(cmd|button|digest|quiet|why)_", key)
    ]
    assert set(unused) <= {"initiative", "agency", "place", "keyword", "document"}


def test_english_by_setting() -> None:
    talk = inside(language="en", directory=ENGLISH)
    assert "You follow <b>Project 06</b>" in talk.says("/follow project 06")
