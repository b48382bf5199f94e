"""Which channels exist: those that are configured; in a replay the recording one alone, whatever is configured."""

from __future__ import annotations

from rich.console import Console

from services.alerter.channels import Channel
from services.alerter.channels.email import EmailChannel
from services.alerter.channels.recording import RecordingChannel
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.channels.terminal import TerminalChannel
from services.alerter.channels.webhook import WebhookChannel
from tinsom.config import Config, secret
from tinsom.service import Context


def is_live(context: Context) -> bool:
    """May anybody be notified? Only from the namespace that the configuration calls its own."""
    return not context.replay and context.log.namespace == context.config.namespace


def bot_key(context: Context) -> bytes:
    """The key for readers' names when the bot is to listen; empty when it is not, as in every replay."""
    telegram = context.config.telegram
    if telegram is None or not telegram.bot or not is_live(context):
        return b""
    return secret("token", telegram.token_file, telegram.token_env).encode()


def unsubscribe_key(config: Config) -> bytes:
    """What signs the links in mails; empty when there are none."""
    door = config.email.unsubscribe if config.email is not None else None
    return secret("key", door.key_file, door.key_env).encode() if door is not None else b""


def channels(config: Config, *, live: bool, console: Console | None = None) -> dict[str, Channel]:
    """Name → channel. Raises ConfigError for a missing secret or a mail server without TLS.

    Outside the live namespace no secret is read and no channel made that could reach anybody.
    """
    made: dict[str, Channel] = {"recording": RecordingChannel()}
    if not live:
        return made
    made["terminal"] = TerminalChannel(console or Console())
    if config.telegram is not None:
        token = secret("token", config.telegram.token_file, config.telegram.token_env)
        made["telegram"] = TelegramChannel(
            token, config.telegram.api_url, config.telegram.timeout, buttons=config.telegram.bot
        )
    if config.email is not None:
        mail = config.email
        password = secret("password", mail.password_file, mail.password_env) if mail.username else ""
        made["email"] = EmailChannel(mail, password, unsubscribe_key(config))
    if config.webhook is not None:
        key = secret("secret", config.webhook.secret_file, config.webhook.secret_env)
        made["webhook"] = WebhookChannel(key, config.webhook.timeout)
    return made
