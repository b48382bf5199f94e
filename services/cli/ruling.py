"""Commands that measure the rules: taxonomy eval, try, compare, audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import material
from services.cli.shared import DEFAULT_CONFIG, ConfigPath, counting, load_config, note, say, show
from tinsom.errors import InputError
from tinsom.messages import Item
from tinsom.words import counted

if TYPE_CHECKING:
    from services.classifier.tagger import Tagger
    from services.classifier.workbench.comparison import Difference
    from services.classifier.workbench.evaluate import Report
    from services.classifier.workbench.trial import Case, Trial, Trials

Folder = Annotated[
    Path | None, typer.Option("--taxonomy", help="Folder or file that extends or overrides the shipped taxonomy.")
]
Over = Annotated[
    Path | None, typer.Option(help="Items: a dump or JSON lines; the log's own without it.", show_default=False)
]
Since = Annotated[str | None, typer.Option(help="Items from this time on: 30d or an ISO time.")]
Everything = Annotated[bool, typer.Option("--all", help="Every line, not only the first.")]
SHOWN = 30


def register(taxonomy: typer.Typer) -> None:
    taxonomy.command("eval")(evaluate)
    taxonomy.command("try")(try_out)
    taxonomy.command("compare")(compare)
    taxonomy.command("audit")(audit)


def evaluate(
    path: Annotated[Path, typer.Argument(help="Labelled JSON lines, or verdicts.", show_default=False)],
    over: Annotated[Path | None, typer.Option(help="Items of the verdicts: a dump or JSON lines.")] = None,
    taxonomy: Folder = None,
    everything: Everything = False,
) -> None:
    """Score the rules on labelled items, or on what readers thought of their alerts."""
    from services.classifier.workbench import reporting

    found = _judged(path, over, taxonomy) if material.holds_verdicts(path) else _evaluated(path, taxonomy)
    for section in reporting.report(found, everything=everything):
        if section.rows:
            say(section.title + ":")
            show(section.columns, section.rows)
    if line := reporting.off(found):
        say(line)


def _evaluated(path: Path, taxonomy: Path | None) -> Report:
    from services.classifier import commands

    return commands.evaluate(material.lines(path), _tagger(taxonomy))


def _judged(path: Path, over: Path | None, taxonomy: Path | None) -> Report:
    """Without the items, what matched when the alert was sent is what is judged."""
    from services.classifier.workbench import judging

    verdicts = material.verdicts(path)
    now: dict[str, set[str]] = {}
    if over is not None:
        wanted, tagger = {verdict.item for verdict in verdicts}, _tagger(taxonomy)
        with material.items(over, DEFAULT_CONFIG, None) as items:
            now = {item.id: judging.named(tagger.tag(item)) for item in items if item.id in wanted}
    return judging.judge(verdicts, now.get)


def try_out(
    path: Annotated[Path, typer.Argument(help="A taxonomy file with the rules to try.", show_default=False)],
    over: Over = None,
    since: Since = "30d",
    taxonomy: Folder = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """How often the rules of a file would have fired, on what, and on what nearly."""
    from services.classifier import taxonomy as taxonomies
    from services.classifier.workbench import trial

    text = taxonomies.texts(path)
    ids = [i for name in text for i in sorted(taxonomies.ids(text[name], name))]
    own = (taxonomies.texts(taxonomy) if taxonomy else {}) | text
    tagger = _checked(own)
    # A file is as long as it is: only the log has a today to count back from.
    with material.items(over, config, since if over is None else None) as items, _progress("trying") as shown:
        trials = trial.tried(tagger, ids, shown(items))
    say(f"{counted(trials.items, 'item')} of {trials.days:.1f} days")
    for one in trials.by_id.values():
        _show_trial(trials, one)


def _checked(own: dict[str, str]) -> Tagger:
    """Raises InputError for rules that `apply` would refuse, too."""
    from services.classifier import taxonomy as taxonomies
    from services.classifier.tagger import Tagger
    from services.classifier.workbench import lint

    rows = taxonomies.extended(own)
    if found := lint.faults(rows):
        raise InputError(found[0] + (f" (and {len(found) - 1} more)" if found[1:] else ""))
    return Tagger(rows)


def _show_trial(trials: Trials, one: Trial) -> None:
    from services.classifier.workbench import trial

    often = f"fired {counted(one.times, 'time')}, {trials.a_day(one):.1f} a day"
    say(f"{one.id}: {often}; nearly {counted(one.nearly, 'time')}")
    if trials.a_day(one) > trial.MOST_A_DAY:
        say(f"  more than {trial.MOST_A_DAY} a day: who will read that?")
    if one.fired:
        show(("fired at", "score", "title", "by"), map(_case, trial.newest(one)))
    if one.near:
        show(("nearly at", "score", "title", "what was missing"), map(_case, trial.nearest(one)))


def _case(case: Case) -> tuple[object, ...]:
    return case.at.isoformat(timespec="minutes"), f"{case.score:g}", case.title, case.why


def compare(
    old: Annotated[str, typer.Argument(help="A folder or file, or `shipped`.", show_default=False)],
    new: Annotated[str, typer.Argument(help="As the first.", show_default=False)],
    over: Over = None,
    since: Since = "30d",
    whole: Annotated[
        bool, typer.Option("--whole", help="Both are complete: nothing shipped is added to them.")
    ] = False,
    everything: Everything = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Which items' tags two taxonomies see otherwise, and by which rules."""
    from services.classifier.workbench import comparison

    before, after = (_named(name, whole=whole) for name in (old, new))
    with material.items(over, config, since if over is None else None) as items, _progress("comparing") as shown:
        found = comparison.compared(before, after, shown(items))
    say(f"{found.changed} of {counted(found.items, 'item')} with other tags")
    if not found.differences:
        return
    show(("tag", "+", "-", "~"), found.by_tag())
    most = None if everything else SHOWN
    show(("item", "", "tag", "role", "why", "title"), [_line(d) for d in found.differences[:most]])
    if most is not None and found.differences[most:]:
        note(f"{len(found.differences) - most} more; --all shows them")
    raise typer.Exit(1)


def _line(d: Difference) -> tuple[object, ...]:
    return d.item, d.change, d.tag, d.role, d.why, d.title


def _named(name: str, *, whole: bool) -> Tagger:
    from services.classifier import taxonomy as taxonomies
    from services.classifier.tagger import Tagger

    own = {} if name == "shipped" else taxonomies.texts(Path(name))
    return Tagger(taxonomies.whole(own) if whole and own else taxonomies.extended(own))


def audit(
    over: Over = None,
    since: Since = "30d",
    verdicts: Annotated[Path | None, typer.Option(help="A dump of topic `verdicts`.", show_default=False)] = None,
    taxonomy: Folder = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Rules and aliases that can no longer fire, did not for long, or fire on false hits only. For every day."""
    from services.classifier import taxonomy as taxonomies
    from services.classifier.workbench import audit as auditing

    folder = taxonomy or _configured(config)
    own = taxonomies.texts(folder) if folder else {}
    ids = {identity for name in own for identity in taxonomies.ids(own[name], name)}
    tagger = _checked(own)
    found = list(auditing.unreachable(tagger))
    with material.items(over, config, since if over is None else None) as items, _progress("auditing") as shown:
        use = auditing.used(tagger, shown(items), ids)
    # A file is what somebody chose to look at; a young log has only not seen much yet.
    passed_over = use.silent if over is None and use.days < auditing.LONG_ENOUGH else []
    found += use.false if passed_over else [*use.false, *use.silent]
    if verdicts is not None:
        found += auditing.unwanted(material.verdicts(verdicts))
    if found or not passed_over:
        show(("rule", "words", "what"), found, empty="no rule is of no use")
    if passed_over:
        note(
            f"not listed: {counted(len(passed_over), 'rule or alias', 'rules and aliases')} that did nothing in"
            f" {counted(round(use.days), 'day')} of items; in fewer than {auditing.LONG_ENOUGH} that says little"
        )
    if found:
        raise typer.Exit(1)


def _configured(config: Path) -> Path | None:
    """The folder of the configuration, if there is one: a dump can be audited without."""
    if not config.exists():
        return None
    folder = load_config(config).taxonomy
    return Path(folder) if folder else None


def _tagger(taxonomy: Path | None) -> Tagger:
    from services.classifier import commands

    return commands.tagger_for(taxonomy)


@contextmanager
def _progress(text: str) -> Iterator[Callable[[Iterator[Item]], Iterator[Item]]]:
    """Gives what counts, on a terminal, the items that pass through it."""
    with counting(text) as progress:

        def shown(items: Iterator[Item]) -> Iterator[Item]:
            for number, item in enumerate(items, 1):
                progress(number)
                yield item

        yield shown
