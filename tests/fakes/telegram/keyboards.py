"""Inline keyboards and the menu of commands, with what the Bot API refuses of them."""

from __future__ import annotations

import re
from typing import Any

Rows = tuple[tuple[tuple[str, str], ...], ...]  # (what a button says, what it sends back)

MOST_BUTTONS, MOST_IN_A_ROW = 100, 8
MOST_COMMANDS = 100
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


def rows(body: dict[str, Any]) -> Rows:
    keyboard = (body.get("reply_markup") or {}).get("inline_keyboard", [])
    return tuple(tuple((str(b.get("text", "")), str(b.get("callback_data", ""))) for b in row) for row in keyboard)


def data(of: Rows) -> tuple[str, ...]:
    return tuple(sent for row in of for _, sent in row)


def shown(of: Rows) -> dict[str, Any]:
    """As it stands in a message that the server passes on."""
    return {"inline_keyboard": [[{"text": says, "callback_data": sends} for says, sends in row] for row in of]}


def fault(body: dict[str, Any]) -> str:
    """The server's description; '' for a keyboard that it takes."""
    markup = body.get("reply_markup")
    if markup is None:
        return ""
    if not isinstance(markup, dict) or not isinstance(markup.get("inline_keyboard"), list):
        return "object expected as reply markup"
    buttons = [button for row in markup["inline_keyboard"] for button in row]
    if len(buttons) > MOST_BUTTONS or any(len(row) > MOST_IN_A_ROW for row in markup["inline_keyboard"]):
        return "REPLY_MARKUP_TOO_LONG"
    for button in buttons:
        if not str(button.get("text", "")).strip():
            return "inline keyboard button text must be non-empty"
        if "callback_data" not in button and "url" not in button:
            return "text buttons are unallowed in the inline keyboard"
        if not 1 <= len(str(button.get("callback_data", "x")).encode()) <= 64:
            return "BUTTON_DATA_INVALID"
    return ""


def menu_fault(commands: Any) -> str:
    if not isinstance(commands, list) or len(commands) > MOST_COMMANDS:
        return "BOT_COMMANDS_TOO_MUCH"
    for command in commands:
        if not _COMMAND.fullmatch(str(command.get("command", ""))):
            return "BOT_COMMAND_INVALID"
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            return "BOT_COMMAND_DESCRIPTION_INVALID"
    return ""
