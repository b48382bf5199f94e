"""The five articles the project was born from: from a feed on loopback to a chat and a mailbox."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.fakes import smtp, telegram
from tests.pipeline.running import JumpClock, messages, running, until
from tests.pipeline.site import Article, Site, served
from tinsom import codec, deadletters
from tinsom.config import (
    AlerterConfig,
    CollectorConfig,
    Config,
    DestinationConfig,
    EmailConfig,
    HttpConfig,
    LogConfig,
    SourceConfig,
    SubscriptionConfig,
    TelegramConfig,
)
from tinsom.messages import Item, Match, TaggedItem, Tags

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


class Seed(NamedTuple):
    """Where the article lies in the saved page (lines from 1), and what it must be tagged with."""

    number: str
    published: datetime
    title: int
    first: int
    last: int
    initiatives: set[str]
    agencies: set[str]


# Oldest first, as they were published; expected primary tags of the domain's own table.
SEEDS = [
    Seed("004", datetime(2022, 4, 27, 11, 30, tzinfo=HANOI), 1, 3, 49, {"cds-quoc-gia"}, {"ubqg-cds", "bo-tttt"}),
    Seed(
        "002", datetime(2022, 12, 25, 14, 20, 51, tzinfo=HANOI), 3, 7, 26,
        {"cds-quoc-gia", "de-an-06"}, {"ubqg-cds", "ubnd-dong-thap"},
    ),
    Seed(
        "001", datetime(2023, 2, 25, 17, 0, tzinfo=HANOI), 1, 5, 63,
        {"cds-quoc-gia", "de-an-06", "nam-dl-so-2023", "ttdlqg"},
        {"ubqg-cds", "to-cong-tac-da06", "bo-cong-an", "bo-tttt"},
    ),
    Seed(
        "000", datetime(2025, 2, 6, 18, 25, tzinfo=HANOI), 1, 5, 36,
        {"cds-quoc-gia", "de-an-06", "csdl-chuyen-nganh"}, {"ubqg-cds"},
    ),
    Seed(
        "003", datetime(2025, 9, 24, 18, 49, tzinfo=HANOI), 1, 3, 43,
        {"khcn-dmst-cds", "cds-quoc-gia", "de-an-06", "csdl-chuyen-nganh", "cqdp-2-cap"},
        {"bcd-cp-khcn-cds-da06"},
    ),
]  # fmt: skip


def article(seed: Seed, folder: Path) -> Article:
    """The saved page as a portal would serve it: menu, article, and what stands below it."""
    (path,) = folder.glob(f"{seed.number}_*.txt")
    lines = path.read_text("utf-8").splitlines()
    body = [line for line in lines[seed.first - 1 : seed.last] if line.strip()]
    below = [line for line in lines[seed.last :] if line.strip()]
    title = lines[seed.title - 1]
    page = (
        f"<html lang='vi'><head><title>{escape(title)}</title>"
        f"<meta property='og:title' content='{escape(title)}'></head><body><nav><a href='/'>Trang chủ</a></nav>"
        f"<article><h1>{escape(title)}</h1>{''.join(f'<p>{escape(line)}</p>' for line in body)}</article>"
        f"<aside class='related'><ul>{''.join(f'<li><a href=x>{escape(line)}</a></li>' for line in below)}</ul>"
        "</aside><footer>Cơ quan chủ quản</footer></body></html>"
    )
    return Article(f"bai-{seed.number}", title, body[0], seed.published, page)


def configuration(site: Site, folder: Path, bot: str, mail_port: int) -> Config:
    (folder / "token").write_text("42:secret")
    wants = Match(initiatives=["cds-quoc-gia"])
    return Config(
        log=LogConfig(path=str(folder / "log.db")),
        http=HttpConfig(port=0),
        collector=CollectorConfig(allow_private=["127.0.0.1"]),
        alerter=AlerterConfig(),
        sources=[SourceConfig(id="s", publisher="p", url=site.url("s"), name="Báo thử", tier=1, interval=1.0)],
        destinations=[
            DestinationConfig(alias="nhom", channel="telegram", address="-1001"),
            DestinationConfig(alias="hop-thu", channel="email", address="a@example.test"),
        ],
        subscriptions=[
            SubscriptionConfig(id="a", destination="nhom", match=wants),
            SubscriptionConfig(id="b", destination="hop-thu", match=wants),
        ],
        telegram=TelegramConfig(token_file=str(folder / "token"), api_url=bot),
        email=EmailConfig(host="127.0.0.1", port=mail_port, tls="none", sender="tinsom@example.test"),
    )


async def test_the_seed_articles_arrive_tagged_in_a_chat_and_a_mailbox(private_data: Path, tmp_path: Path) -> None:
    clock = JumpClock()
    before = datetime(2022, 4, 1, 8, tzinfo=HANOI)
    clock.jump(before.timestamp())
    site = Site({"s": [Article("cu", "Tin cũ, có từ trước", "Không báo ai.", before)]})
    api, inbox = telegram.BotApi(clock.now), smtp.Inbox()
    async with (
        served(site),
        telegram.serve(api) as bot,
        smtp.serve(inbox) as mail_port,
        running(configuration(site, tmp_path, bot, mail_port), clock) as log,
    ):
        await until(log, "items", 1)
        for number, seed in enumerate(SEEDS, start=2):
            clock.jump(seed.published.timestamp() + 60)
            site.feeds["s"].append(article(seed, private_data / "seeds"))
            await until(log, "items", number)
        letters = [deadletters.reasons(r) for n in range(3) async for r in log.read("dead-letters", n)]
        tagged = [m for m in await messages(log, "tagged") if isinstance(m, TaggedItem)]
    assert not letters
    check_tags(tagged)
    titles = [article(seed, private_data / "seeds").title for seed in SEEDS]
    chat = api.texts("-1001")
    assert [any(title in text for text in chat) for title in titles] == [True] * 5, chat
    assert len(chat) == 5
    assert not api.duplicates()
    subjects = [str(taken.message["Subject"]) for taken in inbox.taken]
    assert len(subjects) == 5
    assert all(any(title in subject for subject in subjects) for title in titles), subjects
    assert not any("Tin cũ" in text for text in (*chat, *subjects))


def check_tags(tagged: list[TaggedItem]) -> None:
    by_slug: dict[str, Tags] = {}
    for message in tagged:
        item = codec.from_bytes(message.item, Item)
        by_slug[item.url.rsplit("/", 1)[-1]] = message.tags
        assert item.fetched_at > datetime(2022, 1, 1, tzinfo=UTC)
    for seed in SEEDS:
        tags = by_slug[f"bai-{seed.number}.html"]
        primary = {tag.id for tag in tags.initiatives if tag.role == "primary"}
        assert seed.initiatives <= primary, (seed.number, seed.initiatives - primary)
        agencies = {tag.id for tag in tags.agencies if tag.role == "primary"}
        assert seed.agencies <= agencies, (seed.number, seed.agencies - agencies)
        assert "bo-chinh-tri" not in agencies
    assert "hoa-binh" not in {place.id for place in by_slug["bai-000.html"].places}
    assert not {"ha-noi", "hai-phong", "hai-duong"} & {place.id for place in by_slug["bai-003.html"].places}
    assert "05/2025/NQ-CP" not in {document.key for document in by_slug["bai-003.html"].documents}
    assert not {"de-an-06", "dvc-truc-tuyen"} & {tag.id for tag in by_slug["bai-004.html"].initiatives}
