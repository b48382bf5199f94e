"""The fit of the weights of salience, small enough to be run by fold: what is scored was not fitted on.

A score is linear in the weights, so that each feature of a tag is read off by a tagger of which only that one
weighs. `python -m tests.classifier.fitting` writes services/classifier/taxonomy/salience.yaml.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from services import classifier
from services.classifier.salience import Weights
from services.classifier.tagger import Tagger
from services.classifier.workbench.evaluate import Labelled, input_of, with_parents
from tests.classifier.private import tagger
from tinsom import messages as m

Floats = NDArray[np.float64]

INITIATIVE = (
    "mentions", "alone", "many", "background", "agent", "title", "number", "document", "depth", "short", "lede",
    "bodies",
)  # fmt: skip
AGENCY = (
    "topic", "local", "lede", "acts", "told", "share", "party-organ", "government", "lead", "hosts", "speaks",
    "many",
)  # fmt: skip
WEIGHTS = Path(classifier.__file__).parent / "taxonomy" / "salience.yaml"
NAMES = "name."
FEATURES = {"initiative": INITIATIVE, "agency": AGENCY}
# Where F1 was best in folds, and how far points are stretched so that four make a primary tag.
THRESHOLD = {"initiative": 0.39, "agency": 0.49}
STRETCH, POINTS = 2.0, 4.0
PROBE = 0.3  # small: the score of a tag by weak words alone is capped
RIDGE, STEPS = 1.0, 8
# How easily an initiative gets a weight of its own, and in how many items it must have been found.
OWN, LEAST_FOUND = 2.0, 8


class Example(NamedTuple):
    """A tag that the labels and the tagger give."""

    item: str
    tag: str
    features: list[float]
    primary: bool


def examples(rows: Sequence[Labelled], kind: str) -> list[Example]:
    """One for each tag that both give, unless its role was disputed or it is optional."""
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
            found.append(Example(row.id, tag, [(c[tag] - 1.0) / PROBE for c in columns], role == "primary"))
    return found


def _probe(kind: str, feature: str) -> Tagger:
    one = Tagger(tagger().taxonomy)
    others = {name: w for name, w in one.taxonomy.weights.items() if not name.startswith((f"{kind}.", NAMES))}
    one.weights = Weights.given({**others, f"{kind}.bias": 1.0, f"{kind}.{feature}": PROBE})
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


class Fit(NamedTuple):
    """Weights of the features, of the initiatives by their number, and the bias."""

    names: dict[str, int]
    weights: Floats

    def probabilities(self, rows: Sequence[Example]) -> Floats:
        return _sigmoid(_matrix(rows, self.names) @ self.weights)


def fitted(rows: Sequence[Example], kind: str) -> Fit:
    """Logistic regression by Newton's method, a little pulled towards nothing."""
    counted = Counter(row.tag for row in rows if kind == "initiative")
    known = sorted(tag for tag, count in counted.items() if count >= LEAST_FOUND)
    names = {tag: number for number, tag in enumerate(known)}
    x, y = _matrix(rows, names), np.array([row.primary for row in rows], dtype=float)
    ridge = np.full(x.shape[1], RIDGE)
    ridge[-1] = 0.0  # the bias
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = _sigmoid(x @ weights)
        curve = (x.T * (p * (1 - p))) @ x + np.diag(ridge)
        weights += np.linalg.solve(curve, x.T @ (y - p) - ridge * weights)
    return Fit(names, weights)


def _matrix(rows: Sequence[Example], names: Mapping[str, int]) -> Floats:
    """Features, whose name it is, and a one for the bias."""
    plain = len(rows[0].features)
    x = np.zeros((len(rows), plain + len(names) + 1))
    for row, line in zip(rows, x, strict=True):
        line[:plain], line[-1] = row.features, 1.0
        if row.tag in names:
            line[plain + names[row.tag]] = OWN
    return x


def _sigmoid(z: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(z, -30.0, 30.0)))


def by_fold(rows: Sequence[Example], kind: str, seed: int, folds: int = 5) -> float:
    """F1 of primary among found tags, each item scored by weights that were fitted without it."""
    fold_of = folded((row.item for row in rows), seed, folds)
    right = wrong = missed = 0
    for fold in range(folds):
        held = [row for row in rows if fold_of[row.item] == fold]
        fit = fitted([row for row in rows if fold_of[row.item] != fold], kind)
        for row, p in zip(held, fit.probabilities(held), strict=True):
            said = p >= THRESHOLD[kind]
            right += said and row.primary
            wrong += said and not row.primary
            missed += row.primary and not said
    return float(2 * right / (2 * right + wrong + missed))


def folded(items: Iterable[str], seed: int, folds: int) -> dict[str, int]:
    """Which fold each item is in."""
    drawn = sorted({*items})
    random.Random(seed).shuffle(drawn)
    return {item: k % folds for k, item in enumerate(drawn)}


def fitted_tagger(found: Mapping[str, Sequence[Example]]) -> Tagger:
    """One whose weights are fitted on these examples of each kind; the few set by hand stay."""
    one = Tagger(tagger().taxonomy)
    one.weights = Weights.given(refitted(one.taxonomy.weights, found))
    return one


def refitted(weights: Mapping[str, float], found: Mapping[str, Sequence[Example]]) -> dict[str, float]:
    """`weights` with those that these examples give; those that no fit knows stay."""
    points = {name: w for name, w in weights.items() if not name.startswith(NAMES)}
    for kind, rows in found.items():
        points |= as_points(fitted(rows, kind), kind)
    return points


def as_points(fit: Fit, kind: str) -> dict[str, float]:
    """As they stand in the taxonomy: stretched, the threshold at four points."""
    *own, bias = (STRETCH * fit.weights).tolist()
    names = FEATURES[kind]
    odds = float(np.log(THRESHOLD[kind] / (1 - THRESHOLD[kind])))
    points = {f"{kind}.{name}": round(w, 2) for name, w in zip(names, own, strict=False)}
    of_names = {f"{NAMES}{tag}": round(OWN * own[len(names) + n], 2) for tag, n in fit.names.items()}
    return {f"{kind}.bias": round(bias - STRETCH * odds + POINTS, 2), **points, **of_names}


def write(found: Mapping[str, Sequence[Example]]) -> None:
    """The shipped weights, refitted."""
    shipped = yaml.safe_load(WEIGHTS.read_text("utf-8"))
    head = "".join(line for line in WEIGHTS.open(encoding="utf-8") if line.startswith("#"))
    data = {"version": shipped["version"], "weights": refitted(shipped["weights"], found)}
    WEIGHTS.write_text(head + yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")


if __name__ == "__main__":
    from tests.classifier.test_labelled import known

    examples_of = {kind: known(kind) for kind in FEATURES}
    for kind, rows in examples_of.items():
        print({f"{kind} by fold, seed {seed}": round(by_fold(rows, kind, seed), 3) for seed in (1, 2, 3)})
    write(examples_of)
