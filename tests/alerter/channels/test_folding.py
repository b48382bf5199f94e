from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.channels.folding import MAIL

SENTENCE = "Tập trung hoàn thiện cơ sở dữ liệu chuyên ngành tạo lập trí tuệ thông minh 57-NQ/TW VNeID"
WORDS = SENTENCE.split()


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30))
def test_a_subject_reads_back_word_for_word(words: list[str]) -> None:
    message = EmailMessage(policy=MAIL)
    message["Subject"] = " ".join(words)
    message.set_content("x")
    data = message.as_bytes(policy=MAIL)
    assert str(message_from_bytes(data, policy=policy.default)["Subject"]) == " ".join(words)
    head = data.split(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    assert head.isascii()


@pytest.mark.parametrize("name", ["References", "In-Reply-To", "List-ID", "List-Unsubscribe"])
@pytest.mark.parametrize("length", [5, 70, 200, 800])
def test_what_machines_read_is_never_encoded(name: str, length: int) -> None:
    """A link or an id in encoded words is none to a mail program."""
    value = f"<https://tin.example.test/{'a' * length}>"
    message = EmailMessage(policy=MAIL)
    message[name] = value
    raw = message.as_bytes(policy=MAIL)
    assert f"{name}: {value}\r\n".encode() in raw
