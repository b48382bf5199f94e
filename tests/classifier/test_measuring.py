"""What measures the rules: trials, comparisons, the audit, readers' verdicts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.classifier import taxonomy
from services.classifier.tagger import Tagger
from services.classifier.workbench import audit, comparison, judging, reporting, trial
from services.classifier.workbench.evaluate import Labelled, Report, evaluate
from tests.classifier.private import needs_private_data, tagger
from tests.classifier.story_building import NOW, item
from tests.classifier.test_burst_stream import arrivals
from tinsom import messages as m

THEME = """themes:
  - id: theme-lua
    names: {vi: "Mùa lúa"}
    threshold: 3
    terms: [{words: lúa, weight: 2}, {words: thu hoạch, weight: 1}, {words: mưa, weight: 1}]
    none: [diễn tập]
"""


def with_own(text: str) -> Tagger:
    return Tagger(taxonomy.extended({"mine.yaml": text}))


def titled(*titles: str) -> list[m.Item]:
    return [item(f"i{n}", 24 * 60 * n, title=title, lede="") for n, title in enumerate(titles)]


# --- try ----------------------------------------------------------------------------------------------------


def test_a_trial_counts_what_fired_and_what_nearly_did() -> None:
    items = titled("Lúa đến kỳ thu hoạch", "Lúa xanh tốt", "Mưa", "Diễn tập thu hoạch lúa", "Mưa ngập lúa")
    found = trial.tried(with_own(THEME), ["theme-lua"], items)
    one = found.by_id["theme-lua"]
    assert (found.items, found.days, one.times, one.nearly) == (5, 4.0, 2, 2)
    assert found.a_day(one) == 0.5
    assert [(case.title, case.why) for case in trial.newest(one)] == [
        ("Mưa ngập lúa", "mưa, lúa"),
        ("Lúa đến kỳ thu hoạch", "lúa, thu hoạch"),
    ]
    assert {(case.title, case.why) for case in trial.nearest(one)} == {
        ("Lúa xanh tốt", "1 of 3 points missing"),
        ("Diễn tập thu hoạch lúa", "kept silent by 'diễn tập'"),
    }


def test_a_trial_keeps_the_newest_and_the_nearest_of_many() -> None:
    items = titled(*["Lúa thu hoạch"] * 50, *["Lúa"] * 50)
    one = trial.tried(with_own(THEME), ["theme-lua"], items).by_id["theme-lua"]
    assert (one.times, one.nearly) == (50, 50)
    assert [case.at for case in trial.newest(one)] == [NOW + timedelta(days=n) for n in range(49, 39, -1)]
    assert len(trial.nearest(one)) == trial.SHOWN
    assert len(one.fired) <= 2 * trial.SHOWN


def test_any_row_can_be_tried() -> None:
    found = trial.tried(tagger(), ["vneid"], titled("Tài khoản VNeID", "Trời mưa"))
    assert (found.by_id["vneid"].times, found.by_id["vneid"].fired[0].why) == (1, "alias")


# --- compare ------------------------------------------------------------------------------------------------


def test_a_comparison_names_what_came_went_and_changed_and_by_which_rule() -> None:
    own = 'initiatives:\n  - {id: vneid, names: {vi: VNeID}, aliases: ["tài khoản VNeID"]}\n' + THEME
    items = titled("VNeID có bản mới", "Lúa thu hoạch", "Trời mưa")
    found = comparison.compared(tagger(), with_own(own), items)
    assert (found.items, found.changed) == (3, 2)
    lines = {(d.item, d.change, d.tag, d.role, d.why) for d in found.differences}
    assert ("i0", "-", "vneid", "primary", "by vneid/alias") in lines
    assert ("i0", "-", "dinh-danh-dien-tu", "primary", "as parent of vneid") in lines
    assert ("i1", "+", "theme-lua", "primary", "by theme-lua/lúa, theme-lua/thu hoạch") in lines
    assert ("theme-lua", 1, 0, 0) in found.by_tag()


def test_a_comparison_says_why_a_role_changed() -> None:
    weights = "weights: {initiative.title: -9.0, agency.title: -9.0}\n"
    found = comparison.compared(tagger(), with_own(weights), titled("VNeID có bản mới"))
    assert {(d.change, d.tag, d.role) for d in found.differences} >= {("~", "vneid", "primary → mentioned")}
    assert all("score " in d.why for d in found.differences)


def test_the_same_rules_make_no_difference() -> None:
    assert comparison.compared(tagger(), tagger(), titled("VNeID có bản mới")).differences == []


# --- audit --------------------------------------------------------------------------------------------------


def test_an_alias_that_no_text_can_hold_is_found() -> None:
    own = 'initiatives:\n  - {id: x, names: {vi: X}, aliases: ["kế hoạch – đỏ", "kế hoạch xanh"]}\n'
    found = {(f.rule, f.words) for f in audit.unreachable(with_own(own))}
    assert ("x/alias", "kế hoạch – đỏ") in found  # texts have one kind of dash
    assert not any(words == "kế hoạch xanh" for _, words in found)


def test_no_shipped_alias_is_one_that_no_text_can_hold() -> None:
    assert list(audit.unreachable(tagger())) == []


def test_the_audit_finds_what_never_counts_and_what_stands_nowhere() -> None:
    own = (
        "initiatives:\n"
        '  - {id: x, names: {vi: X}, aliases: ["mùa vàng", "mùa bạc"],'
        ' rules: [{when: after, any: ["bội thu"], then: reject}]}\n' + THEME
    )
    items = titled(*["Mùa vàng bội thu"] * 5, "Lúa thu hoạch")
    use = audit.used(with_own(own), items, {"x"})
    assert audit.Finding("x/alias", "mùa vàng", "stood there 5 times and never counted") in use.false
    assert audit.Finding("x/alias", "mùa bạc", "stood nowhere") in use.silent
    assert audit.Finding("x", "", "tagged nothing") in use.silent
    assert not any(finding.rule.startswith("theme-lua") for finding in (*use.false, *use.silent))
    assert use.days == 5.0


def verdict(word: str, number: int, *matched: str, minutes: float = 0, **changes: Any) -> m.Verdict:
    values: dict[str, Any] = {
        "reader": "r", "alert": f"a{number}", "verdict": word, "item": f"i{number}", "matched": list(matched),
        "at": NOW + timedelta(minutes=minutes),
    }  # fmt: skip
    return m.Verdict(**{**values, **changes})


def test_a_tag_that_no_reader_wanted_is_found() -> None:
    given = [verdict("irrelevant", n, "agency:bo-yte") for n in range(3)]
    given += [verdict("irrelevant", n, "agency:bo-xay-dung") for n in range(5, 9)]
    given += [verdict("right", 8, "agency:bo-xay-dung", minutes=1)]
    assert [f.rule for f in audit.unwanted(given)] == ["agency:bo-yte"]


# --- eval ---------------------------------------------------------------------------------------------------


def test_verdicts_alone_give_the_precision_of_what_was_sent() -> None:
    given = [verdict("right", 1, "agency:bo-yte"), verdict("irrelevant", 2, "agency:bo-yte", "initiative:vneid")]
    report = judging.judge(given, lambda item: None)
    count = report.by_tag["agency", "bo-yte"]
    assert (count.precision, count.recall) == (0.5, 1.0)
    assert report.by_kind["initiative"].wrong == 1


def test_verdicts_with_their_items_say_what_the_rules_of_now_make_of_them() -> None:
    """What was wrong and is not found any more is no fault; what was right and is lost, is one."""
    now = {"i1": {"agency:bo-yte"}, "i2": set[str](), "i3": set[str]()}
    given = [verdict(word, n, "agency:bo-yte") for n, word in ((1, "right"), (2, "irrelevant"), (3, "right"))]
    count = judging.judge(given, now.get).by_kind["agency"]
    assert (count.right, count.wrong, count.missed) == (1, 0, 1)


def test_the_last_word_of_a_reader_counts() -> None:
    given = [verdict("right", 1, "x:y", minutes=5), verdict("irrelevant", 1, "x:y")]
    assert [v.verdict for v in judging.newest(given)] == ["right"]
    other = verdict("irrelevant", 1, "x:y", reader="other")
    assert len(judging.newest([*given, other])) == 2


def test_a_share_of_nothing_is_no_score() -> None:
    rows = {row[0]: tuple(row[1:]) for row in reporting.report(Report())[0].rows}
    assert rows["places"] == ("–", "–", "–", 0, 0, 0)


@pytest.mark.parametrize("everything", [False, True])
def test_a_report_names_what_is_taken_for_what(everything: bool) -> None:
    rows = [
        Labelled(id="a", title="Tài khoản VNeID", initiatives={"de-an-06": "primary"}),
        Labelled(id="b", title="Tài khoản VNeID", initiatives={"vneid": "primary"}, relevance="off"),
    ]
    report = evaluate(rows, tagger())
    kinds, tags, confused, worst = reporting.report(report, everything=everything)
    assert [row[0] for row in kinds.rows][:2] == ["initiatives", "initiatives primary"]
    assert ("initiatives", "de-an-06", "vneid", 1) in confused.rows
    assert worst.rows[0][0] == "a"
    assert "missed initiatives:de-an-06" in str(worst.rows[0][2])
    assert ("vneid" in {row[1] for row in tags.rows}) is True
    assert reporting.off(report) == "off items with a false primary tag: 1 of 1"


@needs_private_data
@pytest.mark.soak
def test_a_month_of_the_real_stream_compared() -> None:
    """What `compare` lists is what tagging twice gives, and every line says why."""
    month = [one for one in arrivals() if one.fetched_at.strftime("%Y-%m") == "2026-03"]
    own = with_own('initiatives:\n  - {id: vneid, names: {vi: VNeID}, aliases: ["tài khoản VNeID"]}\n')
    found = comparison.compared(tagger(), own, month)
    differ = {one.id for one in month if judging.named(tagger().tag(one)) != judging.named(own.tag(one))}
    assert len(month) > 10_000
    assert differ
    assert differ <= {d.item for d in found.differences}
    assert all(d.why for d in found.differences)
    print(len(month), found.changed, found.by_tag())
