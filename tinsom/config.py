"""What `tinsom.yaml` may say, typed; `tinsom.configfile` reads it. Secrets only by file or environment variable.

Unknown keys are errors. The environment is read here and nowhere else.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from tinsom import redact
from tinsom.errors import ConfigError
from tinsom.messages import Channel, Match, Priority, Rhythm


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class LogConfig(_Section, frozen=True, kw_only=True):
    path: str = "tinsom.db"  # the embedded log; used unless `kafka` is set
    session: float = 10.0  # seconds until a silent process loses its partitions


class KafkaSecurityConfig(_Section, frozen=True, kw_only=True):
    tls: bool  # explicit: no silent plain text
    ca_file: str = ""  # certificates to trust instead of the system's, in PEM
    certificate_file: str = ""  # our own, for brokers that ask for one, in PEM
    key_file: str = ""  # its key, without a password; in `certificate_file` when empty
    mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""  # none: brokers ask for no name
    username: str = ""
    password_file: str = ""
    password_env: str = ""


class KafkaConfig(_Section, frozen=True, kw_only=True):
    bootstrap_servers: str  # `host:port`, several between commas
    replication: int = 1  # 3 in production, with min.insync.replicas 2
    session_timeout: float = 10.0  # seconds until a silent process loses its partitions
    transaction_timeout: float = 10.0  # an open transaction holds up every reader
    security: KafkaSecurityConfig | None = None  # plain text, to brokers that ask for no name, without it


class HttpConfig(_Section, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 9464  # 0 turns /metrics, /live and /ready off


class CollectorConfig(_Section, frozen=True, kw_only=True):
    contact: str = ""  # e-mail or address in the User-Agent, for a web master who wants to talk
    timeout: float = 20.0  # seconds for one request
    concurrency: int = 20  # requests in flight
    allow_private: list[str] = []  # host names that may resolve to loopback or private addresses
    catalogue: list[str] = []  # shipped sources to watch: ids, government, ministry, press, province, all


class SelectorsConfig(_Section, frozen=True, kw_only=True):
    entry: str  # CSS, as all of them; within the page
    link: str = ""  # within an entry; the entry itself, or its first link, when empty
    title: str = ""  # within an entry; the link's text when empty
    date: str = ""
    lede: str = ""


class PageSelectorsConfig(_Section, frozen=True, kw_only=True):
    body: str  # CSS, as all of them; the text of the article
    title: str = ""  # what the page says of itself when empty, as with the next two
    lead: str = ""
    date: str = ""
    without: str = ""  # within the body: related news, captions
    files: str = ""  # what holds the links to PDF and DOCX; the body when empty


class SourceConfig(_Section, frozen=True, kw_only=True):
    id: str  # by which commands, logs and `match.sources` know it
    url: str  # of a feed, a sitemap, or a page with `kind: listing`
    publisher: str = ""  # the host of `url` when empty
    name: str = ""  # as readers see it; the publisher when empty
    kind: str = "feed"  # feed (RSS, Atom, RDF, JSON Feed), sitemap or listing
    tier: int = 2  # 1 official, 2 press, 3 other
    timezone: str = "Asia/Ho_Chi_Minh"  # of times that name none
    month_first: bool | None = None  # 10/2/2026 is 2 October; false: 10 February, even with AM or PM
    interval: float = 300.0  # seconds between two looks, until its rhythm is known
    full_text: bool = True  # read the page of what is new; false: only what the feed says
    enabled: bool = True  # false: not polled; what is known of it stays
    selectors: SelectorsConfig | None = None  # of a page without a feed, with `kind: listing`
    page: PageSelectorsConfig | None = None  # of its article pages, to be read exactly and fast
    tls: Literal["verify", "unverified"] = "verify"  # unverified: anybody may answer in its name
    ca_file: str = ""  # certificates to trust besides the system's, for a server that does not send its chain


class DestinationConfig(_Section, frozen=True, kw_only=True):
    alias: str  # by which subscriptions, commands and logs know it
    channel: Channel  # telegram, email, webhook, apprise or terminal; recording tells nobody
    address: str = ""  # chat id, mail address, address of a webhook, or a name in Apprise's file
    thread: int | None = None  # number of a topic in a Telegram group
    timezone: str = "Asia/Ho_Chi_Minh"  # of digests, quiet hours and the times in messages
    digest: Rhythm = "daily"  # hourly, daily or weekly: when what does not come at once is told
    digest_at: str = "07:30"  # local time; a weekly digest comes on Monday
    quiet: list[str] = []  # local time: `22:00-06:30`, `sat,sun 00:00-24:00`; what came meanwhile is one digest
    breakthrough: bool = True  # urgent alerts come in quiet hours too
    budget: int = 0  # messages in an hour beside urgent ones, the rest goes to a digest; 0: no limit
    owner: str = ""  # alias of the destination that hears when this one takes nothing any more


class MuteConfig(_Section, frozen=True, kw_only=True):
    id: str
    match: Match  # what is hidden
    until: datetime  # with a zone: 2026-12-01T00:00:00+07:00
    destination: str = ""  # everybody when empty
    author: str = ""


class SubscriptionConfig(_Section, frozen=True, kw_only=True):
    id: str
    destination: str  # an alias
    match: Match = Match()  # what it asks for
    priority: Priority = "normal"  # urgent: also in quiet hours and beyond a budget; low: in the digest
    backfill: int = 0  # when new: so many of the newest stories of 30 days before, once, as one digest


class TelegramConfig(_Section, frozen=True, kw_only=True):
    token_file: str = ""
    token_env: str = ""
    api_url: str = "https://api.telegram.org"
    timeout: float = 15.0
    bot: bool = False  # listen to readers: buttons under alerts, /start, /follow …; no other program may
    invitation_file: str = ""  # the code with which a reader comes in by himself: /start CODE
    invitation_env: str = ""
    readers: list[int] = []  # people and chats, by number, that come in without a code
    barred: list[int] = []  # those that are put out, and not let in any more


class UnsubscribeConfig(_Section, frozen=True, kw_only=True):
    url: str  # https address under which readers reach `/unsubscribe/` of this process's server
    key_file: str = ""  # signs the links; another key ends those in old mails
    key_env: str = ""


class EmailConfig(_Section, frozen=True, kw_only=True):
    host: str
    tls: Literal["implicit", "starttls", "none"]  # explicit: no silent plain text
    sender: str
    port: int = 0  # 465, 587 or 25 by `tls` when 0
    username: str = ""
    password_file: str = ""
    password_env: str = ""
    ca_file: str = ""  # certificates to trust instead of the system's, for a relay of one's own
    timeout: float = 15.0
    unsubscribe: UnsubscribeConfig | None = None  # one click and no more mail; without it the links are left out
    verp: bool = False  # bounces come to `name+destination@…`, if the mail server delivers such addresses


class WebhookConfig(_Section, frozen=True, kw_only=True):
    secret_file: str = ""  # the key of the signature, HMAC-SHA256 over the body
    secret_env: str = ""
    timeout: float = 15.0


class AppriseConfig(_Section, frozen=True, kw_only=True):
    addresses_file: str  # a line each: a name, which a destination's `address` gives, and Apprise's address
    timeout: float = 30.0


class AlerterConfig(_Section, frozen=True, kw_only=True):
    max_age_hours: float = 24.0  # an item older than this is not news
    language: Literal["vi", "en"] = "vi"


class Config(_Section, frozen=True, kw_only=True):
    namespace: str = "tinsom"  # prefix of topics and groups
    log: LogConfig = LogConfig()
    kafka: KafkaConfig | None = None  # instead of the embedded log
    http: HttpConfig = HttpConfig()
    collector: CollectorConfig = CollectorConfig()
    alerter: AlerterConfig = AlerterConfig()
    taxonomy: str = ""  # a folder whose files extend or override the shipped ones, or one such file
    sources: list[SourceConfig] = []
    destinations: list[DestinationConfig] = []
    subscriptions: list[SubscriptionConfig] = []
    mutes: list[MuteConfig] = []
    telegram: TelegramConfig | None = None
    email: EmailConfig | None = None
    webhook: WebhookConfig | None = None
    apprise: AppriseConfig | None = None  # everything else; needs `pip install '.[apprise]'`


def secret(setting: str, file: str, env: str) -> str:
    """A secret from its file or its environment variable; raises ConfigError that never quotes it.

    `setting`: where both stand and what they hold, as `telegram.token`.
    """
    *section, what = setting.split(".")
    if bool(file) == bool(env):
        raise ConfigError(f"set exactly one of `{what}_file` and `{what}_env`", tuple(section))
    place = (*section, f"{what}_{'env' if env else 'file'}")
    try:
        value = (os.environ.get(env, "") if env else Path(file).read_text("utf-8")).strip()
    except (OSError, ValueError) as error:
        # A decoding error would quote what it could not read.
        reason = getattr(error, "strerror", None) or ("not text" if isinstance(error, UnicodeError) else error)
        raise ConfigError(f"cannot read {file}: {reason}; it must hold the {what}", place) from None
    if not value:
        where = f"environment variable {env} is empty or not set" if env else f"{file} is empty"
        raise ConfigError(f"{where}; it must hold the {what}", place)
    redact.remember(value)
    return value
