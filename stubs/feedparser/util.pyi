class FeedParserDict(dict[str, object]):
    keymap: dict[str, str | list[str]]
