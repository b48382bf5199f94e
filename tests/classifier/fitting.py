"""The fit of the weights of salience, small enough to be run by fold: what is scored was not fitted on.

A score is linear in the weights, so that each feature of a tag is read off by a tagger of which only that one
weighs. `python -m tests.classifier.fitting` prints weights for services/classifier/taxonomy/context.yaml.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.classifier.salience import Weights
from services.classifier.tagger import Tagger
from services.classifier.workbench.evaluate import Labelled, input_of, with_parents
from tests.classifier.private import tagger
from tinsom import messages as m

INITIATIVE = (
    "mentions", "alone", "many", "background", "agent", "title", "number", "document", "depth", "short", "lede",
)  # fmt: skip
AGENCY = (
    "topic", "local", "lede", "acts", "told", "share", "party-organ", "government", "lead", "hosts", "speaks",
    "many",
)  # fmt: skip
FEATURES = {"initiative": INITIATIVE, "agency": AGENCY}
# Where F1 was best in folds, and how far points are stretched so that four make a primary tag.
THRESHOLD = {"initiative": 0.39, "agency": 0.49}
STRETCH, POINTS = 2.0, 4.0
PROBE = 0.3  # small: the score of a tag by weak words alone is capped
RIDGE = 1.0


class Example(NamedTuple):
    item: str
    features: list[float]
    primary: bool


def examples(rows: Sequence[Labelled], kind: str) -> list[Example]:
    """One for each tag that the labels and the tagger give, unless its role was disputed or it is optional."""
    names = FEATURES[kind]
    probes = [_probe(kind, name) for name in names]
    found: list[Example] = []
    for row in rows:
        given = input_of(row)
        columns = [dict(_scores(probe.tag(given), kind)) for probe in probes]
        labels, optional = _labels(row, kind, probes[0])
        for tag in columns[0]:
            role = labels.get(tag, "")
            if role == "either" or (not role and tag in optional):
                continue
            found.append(Example(row.id, [(c[tag] - 1.0) / PROBE for c in columns], role == "primary"))
    return found


def _probe(kind: str, feature: str) -> Tagger:
    one = Tagger(tagger().taxonomy)
    alone = {f"{kind}.bias": 1.0, f"{kind}.{feature}": PROBE}
    one.weights = Weights.given(alone)
    return one


def _scores(tags: m.Tags, kind: str) -> Iterator[tuple[str, float]]:
    for tag in tags.initiatives if kind == "initiative" else tags.agencies:
        if not isinstance(tag.via, str):
            yield tag.id, tag.score


def _labels(row: Labelled, kind: str, by: Tagger) -> tuple[dict[str, str], set[str]]:
    if kind == "agency":
        return dict(row.agencies), {*row.optional_agencies}
    optional = with_parents(dict.fromkeys(row.optional_initiatives, "mentioned"), by.taxonomy)
    return dict(with_parents(row.initiatives, by.taxonomy)), {*optional}


def fitted(rows: Sequence[Example]) -> list[float]:
    """Logistic regression by Newton's method, a little pulled towards nothing; the last weight is the bias."""
    width = len(rows[0].features) + 1
    weights = [0.0] * width
    for _ in range(12):
        slope = [-RIDGE * w for w in weights[:-1]] + [0.0]
        curve = [[RIDGE * (i == j and i < width - 1) for j in range(width)] for i in range(width)]
        for row in rows:
            x = [*row.features, 1.0]
            p = probability(weights, row.features)
            for i in range(width):
                slope[i] += (row.primary - p) * x[i]
                for j in range(width):
                    curve[i][j] += p * (1 - p) * x[i] * x[j]
        weights = [w + step for w, step in zip(weights, _solved(curve, slope), strict=True)]
    return weights


def probability(weights: Sequence[float], features: Sequence[float]) -> float:
    z = weights[-1] + sum(w * x for w, x in zip(weights, features, strict=False))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


def _solved(a: list[list[float]], b: list[float]) -> list[float]:
    """Gauss, with the largest pivot."""
    n = len(b)
    rows = [[*row, right] for row, right in zip(a, b, strict=True)]
    for i in range(n):
        best = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for k in range(i + 1, n):
            ratio = rows[k][i] / rows[i][i]
            rows[k] = [x - ratio * y for x, y in zip(rows[k], rows[i], strict=True)]
    solved = [0.0] * n
    for i in reversed(range(n)):
        solved[i] = (rows[i][n] - sum(rows[i][j] * solved[j] for j in range(i + 1, n))) / rows[i][i]
    return solved


def by_fold(rows: Sequence[Example], kind: str, seed: int, folds: int = 5) -> float:
    """F1 of primary among found tags, each item scored by weights that were fitted without it."""
    fold_of = folded((row.item for row in rows), seed, folds)
    right = wrong = missed = 0
    for fold in range(folds):
        weights = fitted([row for row in rows if fold_of[row.item] != fold])
        for row in rows:
            if fold_of[row.item] == fold:
                said = probability(weights, row.features) >= THRESHOLD[kind]
                right += said and row.primary
                wrong += said and not row.primary
                missed += row.primary and not said
    return 2 * right / (2 * right + wrong + missed)


def folded(items: Iterable[str], seed: int, folds: int) -> dict[str, int]:
    """Which fold each item is in."""
    drawn = sorted({*items})
    random.Random(seed).shuffle(drawn)
    return {item: k % folds for k, item in enumerate(drawn)}


def fitted_tagger(found: Mapping[str, Sequence[Example]]) -> Tagger:
    """One whose weights are fitted on these examples of each kind; the few set by hand stay."""
    points = dict(tagger().taxonomy.weights)
    for kind, rows in found.items():
        points |= as_points(fitted(rows), kind)
    one = Tagger(tagger().taxonomy)
    one.weights = Weights.given(points)
    return one


def as_points(weights: Iterable[float], kind: str) -> dict[str, float]:
    """As they stand in the taxonomy: stretched, the threshold at four points."""
    *own, bias = weights
    odds = math.log(THRESHOLD[kind] / (1 - THRESHOLD[kind]))
    points = {f"{kind}.{name}": round(STRETCH * w, 2) for name, w in zip(FEATURES[kind], own, strict=True)}
    return {f"{kind}.bias": round(STRETCH * (bias - odds) + POINTS, 2), **points}


if __name__ == "__main__":
    from tests.classifier.test_labelled import given, own

    for name in FEATURES:
        found = examples([*given(), *own()], name)
        print({f"{name} by fold, seed {seed}": round(by_fold(found, name, seed), 3) for seed in (1, 2, 3)})
        print(as_points(fitted(found), name))
