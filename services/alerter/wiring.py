"""Which channels exist: those that are configured; in a replay the recording one alone, whatever is configured."""

from __future__ import annotations

import re

from services.alerter.bot.effects import Door
from services.alerter.bot.listener import Listening
from services.alerter.channels import Channel
from services.alerter.channels.email import EmailChannel
from services.alerter.channels.recording import RecordingChannel
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.channels.terminal import TerminalChannel
from services.alerter.channels.webhook import WebhookChannel
from services.alerter.plan_stage import rules_of
from services.alerter.tables import Names, Subscriptions
from tinsom import redact
from tinsom.config import AppriseConfig, Config, TelegramConfig, secret
from tinsom.errors import ConfigError
from tinsom.screen import Screen
from tinsom.service import Context

_CODE = re.compile(r"[A-Za-z0-9_-]{12,64}")  # what Telegram carries in a link t.me/bot?start=CODE


def is_live(context: Context) -> bool:
    """May anybody be notified? Only from the namespace that the configuration calls its own."""
    return not context.replay and context.log.namespace == context.config.namespace


def listening(context: Context, subscriptions: Subscriptions, names: Names) -> Listening | None:
    """What the bot needs when it is to listen; None when it is not, as in every replay."""
    telegram = context.config.telegram
    if telegram is None or not telegram.bot or not is_live(context):
        return None
    token = secret("telegram.token", telegram.token_file, telegram.token_env)
    readers, barred = (frozenset(map(str, ids)) for ids in (telegram.readers, telegram.barred))
    door = Door(invitation(telegram), readers, barred)
    return Listening(token.encode(), door, subscriptions, names, rules_of(context.config.alerter))


def invitation(telegram: TelegramConfig) -> str:
    """The code that lets a reader in, '' for none. Raises ConfigError for one that no link could carry."""
    if not (telegram.invitation_file or telegram.invitation_env):
        return ""
    code = secret("telegram.invitation", telegram.invitation_file, telegram.invitation_env)
    if not _CODE.fullmatch(code):
        named = "invitation_file" if telegram.invitation_file else "invitation_env"
        raise ConfigError("the code must be 12 to 64 letters, digits, - or _", ("telegram", named))
    return code


def unsubscribe_key(config: Config) -> bytes:
    """What signs the links in mails; empty when there are none."""
    door = config.email.unsubscribe if config.email is not None else None
    return secret("email.unsubscribe.key", door.key_file, door.key_env).encode() if door else b""


def channels(config: Config, *, live: bool, console: Screen | None = None) -> dict[str, Channel]:
    """Name → channel. Raises ConfigError for a missing secret or a mail server without TLS.

    Outside the live namespace no secret is read and no channel made that could reach anybody.
    """
    made: dict[str, Channel] = {"recording": RecordingChannel()}
    if not live:
        return made
    made["terminal"] = TerminalChannel(console or Screen())
    if config.telegram is not None:
        token = secret("telegram.token", config.telegram.token_file, config.telegram.token_env)
        made["telegram"] = TelegramChannel(
            token, config.telegram.api_url, config.telegram.timeout, buttons=config.telegram.bot
        )
    if config.email is not None:
        mail = config.email
        password = secret("email.password", mail.password_file, mail.password_env) if mail.username else ""
        made["email"] = EmailChannel(mail, password, unsubscribe_key(config))
    if config.webhook is not None:
        key = secret("webhook.secret", config.webhook.secret_file, config.webhook.secret_env)
        made["webhook"] = WebhookChannel(key, config.webhook.timeout)
    if config.apprise is not None:
        made["apprise"] = _apprise(config.apprise)
    return made


def _apprise(config: AppriseConfig) -> Channel:
    # Imported here: an optional library, which nobody else pays for.
    from services.alerter.channels.apprise import AppriseChannel, addresses_of

    addresses = addresses_of(secret("apprise.addresses", config.addresses_file, ""))
    for address in addresses.values():
        redact.remember(address)
    return AppriseChannel(addresses, config.timeout)
