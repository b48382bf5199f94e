"""`tinsom.yaml`: every fault by file, line, place and reason; secrets never quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.running import TEMPLATE
from tinsom import config, configfile, redact
from tinsom.errors import ConfigError

SOURCE = "sources: [{id: a, url: 'https://a.example/rss'}]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "tinsom.yaml"
    path.write_text(text, "utf-8")
    return path


def lines(folder: Path, text: str) -> list[str]:
    found = configfile.examine(written(folder, text)).lines()
    return [line.removeprefix(f"{folder}/") for line in found]


SECURED = "kafka: {bootstrap_servers: 'b:1', security: {tls: false, %s}}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sourcez: []", "1: sourcez: unknown key; did you mean `sources`?"),
        ("sources:\n  - {id: a}", "2: sources[0]: `url` is missing"),
        ("http: {port: a}", "1: http.port: expected a whole number, got text"),
        ("http:\n  port: true", "2: http.port: expected a whole number, got true or false"),
        ("http: {port: 70000}", "1: http.port: 70000 is no port; 0 turns /metrics off"),
        ("log: x", "1: log: expected a section with `key: value` lines, got text"),
        ("- a", "1: expected a section with `key: value` lines, got a list"),
        ("namespace: ../x", "1: namespace: '../x' is no name; use letters, digits, - and _"),
        ("http: {}\nhttp: {}", "2: http: stands twice, first in line 1; join them"),
        ("sources: [{id: a b, url: 'http://x/'}]", "1: sources[0].id: 'a b' is no id; use letters, digits, - . _"),
        ("sources: [{id: a, url: 'ftp://x/'}]", "1: sources[0].url: 'ftp://x/' is not an http or https address"),
        (
            "sources: [{id: a, url: 'http://x/', timezone: Mars}]",
            "1: sources[0].timezone: 'Mars' is no time zone; write Asia/Ho_Chi_Minh",
        ),
        ("sources: [{id: a, url: 'http://x/', tier: 4}]", "1: sources[0].tier: 4 is not 1 (official), 2 (press)"),
        ("sources: [{id: a, url: 'http://x/', interval: 0}]", "1: sources[0].interval: 0 is too short"),
        (
            "sources: [{id: a, url: 'http://x/', kind: rss}]",
            "1: sources[0].kind: 'rss' is not one of feed, sitemap, listing",
        ),
        (
            "sources: [{id: a, url: 'http://x/', kind: listing}]",
            "1: sources[0].selectors: a listing needs CSS selectors; write {entry: article, link: h3 a",
        ),
        (
            "sources: [{id: a, url: 'http://x/', selectors: {entry: p}}]",
            "1: sources[0].selectors: are for `kind: listing`, this is a feed",
        ),
        (
            "sources: [{id: a, url: 'http://x/', kind: listing, selectors: {entries: p}}]",
            "1: sources[0].selectors.entries: unknown key; did you mean `entry`?",
        ),
        (
            "destinations: [{alias: a, channel: sms}]",
            "1: destinations[0].channel: 'sms' is not one of telegram, email, webhook, terminal, recording",
        ),
        (
            "destinations: [{alias: a, channel: telegram, address: -100}]\ntelegram: {token_env: T}",
            "1: destinations[0].address: expected text, got a whole number; put it in quotes",
        ),
        ("destinations: [{alias: a, channel: email, address: x}]", "'a' needs a section `email:`"),
        ("telegram: {token_env: T}\ndestinations: [{alias: a, channel: telegram}]", "'a' needs an `address`"),
        ("telegram: {}", "1: telegram: set exactly one of `token_file` and `token_env`"),
        ("email: {host: h, tls: ssl, sender: s}", "1: email.tls: 'ssl' is not one of implicit, starttls, none"),
        ("email: {host: h, tls: none, sender: s, username: u}", "set exactly one of `password_file` and"),
        ("kafka: {bootstrap_servers: 'b:1', security: {}}", "1: kafka.security: `tls` is missing"),
        (SECURED % "mechanism: PLAIN, username: u", "exactly one of `password_file` and `password_env`"),
        (SECURED % "mechanism: PLAIN, username: u, password_env: P", "would send the password readable"),
        (SECURED % "username: u", "1: kafka.security: a name and a password need a `mechanism`"),
        (SECURED % "ca_file: c", "1: kafka.security: certificates need `tls: true`"),
        (SECURED % "key_file: k", "a `key_file` needs its `certificate_file`"),
        (
            "subscriptions: [{id: s, destination: b, match: {agencies: [x]}}]\n"
            "destinations: [{alias: a, channel: terminal}]",
            "1: subscriptions[0].destination: there is no destination 'b'; there are: a",
        ),
        (
            "destinations: [{alias: a, channel: terminal}]\n"
            "subscriptions:\n- id: s\n  destination: a\n  match:\n    agency: [x]",
            "6: subscriptions[0].match.agency: unknown key; did you mean agencies?",
        ),
        (
            "destinations: [{alias: a, channel: terminal}]\nsubscriptions: [{id: s, destination: a}]",
            "2: subscriptions[0].match: asks for nothing",
        ),
        *(
            (
                "destinations: [{alias: m, channel: terminal}]\n"
                f"subscriptions: [{{id: s, destination: m, match: {{{match}}}, backfill: {count}}}]",
                f"2: subscriptions[0].backfill: {reason}",
            )
            for match, count, reason in (
                ("initiatives: [x]", 51, "51 is not between 0 and 50 stories"),
                ("initiatives: [x]", -1, "-1 is not between 0 and 50 stories"),
                ("signals: [burst]", 5, "tells of stories; a subscription with `signals` gets none"),
            )
        ),
        ("apprise: {addresses_file: ''}", "1: apprise.addresses_file: must name a file"),
        *(
            (
                "destinations: [{alias: a, channel: terminal}]\n"
                f"subscriptions: [{{id: s, destination: a, match: {{{match}}}}}]",
                f"2: subscriptions[0].match: never fires: {reason}",
            )
            for match, reason in (
                ("signals: [silence], initiatives: [x]", "a silence is a source's"),
                ("signals: [silence], agencies: [x]", "a silence is a source's"),
                ("signals: [burst], sources: [x]", "a burst is an initiative's or agency's"),
                ("signals: [burst, silence], places: [x], keywords: [y]", "a burst or silence has no places, key"),
                ("signals: [burst], deadline_days: 3", "a burst or silence has no deadline_days"),
            )
        ),
    ],
)
def test_a_fault_is_named_with_line_place_and_reason(tmp_path: Path, text: str, fault: str) -> None:
    found = lines(tmp_path, text)
    assert any(fault in line for line in found), found
    with pytest.raises(ConfigError):
        configfile.load(tmp_path / "tinsom.yaml")


@pytest.mark.parametrize(
    "match",
    [
        "signals: [burst, silence]",
        "signals: [silence], sources: [x]",
        "signals: [silence], sources: [x], initiatives: [y]",
        "signals: [burst, silence], initiatives: [x]",
        "signals: [burst, silence], sources: [x]",
        "signals: [burst], agencies: [x], tier: 1",
    ],
)
def test_what_some_burst_or_silence_can_meet_is_no_fault(tmp_path: Path, match: str) -> None:
    text = "destinations: [{alias: a, channel: terminal}]\n"
    assert lines(tmp_path, text + f"subscriptions: [{{id: s, destination: a, match: {{{match}}}}}]") == []


def test_all_faults_are_named_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        "sources:\n"
        "  - {url: 'http://a/'}\n"
        "  - {id: b, url: 'ftp://b/', tier: high, intervall: 3}\n"
        "  - {id: b, url: 'http://b/'}\n"
        "destinations: [{alias: a, channel: sms, address: 1}]\n"
    )
    assert lines(tmp_path, text) == [
        "tinsom.yaml:2: sources[0]: `id` is missing",
        "tinsom.yaml:3: sources[1].intervall: unknown key; did you mean `interval`?",
        "tinsom.yaml:3: sources[1].tier: expected a whole number, got text",
        "tinsom.yaml:3: sources[1].url: 'ftp://b/' is not an http or https address",
        "tinsom.yaml:4: sources[2].id: 'b' occurs twice",
        "tinsom.yaml:5: destinations[0].address: expected text, got a whole number; put it in quotes",
        "tinsom.yaml:5: destinations[0].channel: 'sms' is not one of telegram, email, webhook, terminal,"
        " recording, apprise",
    ]


def test_loading_names_the_first_fault_and_how_many_follow(tmp_path: Path) -> None:
    path = written(tmp_path, "log: x\nhttp: y\n")
    with pytest.raises(ConfigError, match=r"tinsom.yaml:1: log: .* \(and 1 more; `tinsom check` names all\)"):
        configfile.load(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [", r"tinsom.yaml:\d+: not valid YAML"),
        (b"a:\n - b\n c: d", "tinsom.yaml:3: not valid YAML"),
        (b"a: *nothing", "not valid YAML: found undefined alias"),
        (b"a: !!python/object:os.system {}", "not valid YAML"),
        (b"\x80", r"not UTF-8 text \(byte 0\)"),
        (b"a: \x00", "not valid YAML"),
    ],
)
def test_what_is_no_yaml_is_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "tinsom.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        configfile.load(tmp_path / "tinsom.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist; `tinsom init` writes one"):
        configfile.load(tmp_path / "tinsom.yaml")
    with pytest.raises(ConfigError, match=r"cannot read .*: Is a directory"):
        configfile.load(tmp_path)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "sources:\n# - {id: a}\n", "\ufeffsources: []\n"])
def test_an_empty_file_and_an_empty_section_are_a_configuration(tmp_path: Path, text: str) -> None:
    assert configfile.load(written(tmp_path, text)) == config.Config()


def test_the_file_that_init_writes_has_no_fault() -> None:
    assert configfile.load(TEMPLATE).sources


def test_a_secret_is_read_and_never_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("123:very-secret\n")
    assert config.secret("telegram.token", str(tmp_path / "token"), "") == "123:very-secret"
    assert "very-secret" not in redact.redact("GET /bot123:very-secret/getMe")
    monkeypatch.setenv("TOKEN", " from-the-environment ")
    assert config.secret("telegram.token", "", "TOKEN") == "from-the-environment"


def test_a_secret_that_cannot_be_read_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    (tmp_path / "empty").touch()
    (tmp_path / "bytes").write_bytes(b"\x80hidden")
    for file, env, reason in (
        (
            "",
            "TOKEN",
            "^telegram.token_env: environment variable TOKEN is empty or not set; it must hold",
        ),
        (
            str(tmp_path / "none"),
            "",
            "^telegram.token_file: cannot read .*none: No such file or directory;",
        ),
        (str(tmp_path / "empty"), "", "^telegram.token_file: .*empty is empty; it must"),
        (str(tmp_path / "bytes"), "", "not text"),
        ("a\0b", "", "^telegram.token_file: cannot read .*: embedded null byte;"),
        ("a", "b", "^telegram: set exactly one of `token_file` and `token_env`"),
        ("", "", "^telegram: set exactly one of `token_file` and `token_env`"),
    ):
        with pytest.raises(ConfigError, match=reason) as caught:
            config.secret("telegram.token", file, env)
        assert "hidden" not in str(caught.value)
