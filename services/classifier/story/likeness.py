"""How alike two items are: whether they may carry the same announcement. Pure.

The measure was fitted on pairs of real items judged by reading (docs/decisions/0048-rare-pairs-of-words.md): what
both have and few others do these days, how much of each headline the other says, and the hours between them. Two
papers that report the same thing do so within hours and in words of their own; a follow-up uses the same words
days later.
"""

from __future__ import annotations

import math
from datetime import timedelta

from services.classifier.story.rarity import COMMON, Rare
from services.classifier.story.traces import WIDTH, hashes, jaccard, overlap
from tinsom import messages as m

# 0 is the boundary. HEADLINE: how much of one headline the other item says anywhere, the more and the less.
# RAREST: the word in common that fewest others have, and the pair of neighbours, since most Vietnamese words are
# two syllables. PAIRS: all rare pairs in common. BOTH_ASK: two headlines that ask are advice or background, each
# its own. LATE: for hours beyond a day, when most report what came of it.
HEADLINE, RAREST, PAIRS, BOTH_ASK = (3.2, 3.0), (5.6, 7.85), 2.2, -5.6
HOURS, LATE, SAME_PUBLISHER, BASE = -0.65, -2.05, -2.9, -10.1
# Set by hand: the same words are one story for all seven days, of the same publisher too; so is the same text.
ALIKE, BODY = 20.0, 10.0
NEARLY_ALL = 0.7  # of all words in common
MANY = 4.0  # of rarity in pairs; more prove no more
UNKNOWN = 6.5  # in the place of RAREST and PAIRS where nobody knows yet which words are rare
# The least likeness to a story's first item; of pairs below nobody asks how far.
DRIFT = -1.0
_MOST_OF_HEADLINES = sum(HEADLINE)
_MOST_OF_PAIRS = RAREST[1] * (1 - COMMON) + PAIRS


def likeness(a: m.Trace, b: m.Trace, rare: Rare | None) -> float:
    """0 and more: as alike as two reports of one announcement; `differ` may still say that they are not.

    Exact down to `DRIFT`; less than that is only less. `rare` is how rare the words of `b` are.
    """
    first, second = hashes(a.words), hashes(b.words)
    both = first & second
    points = BASE + _apart(a.at - b.at) + (SAME_PUBLISHER if a.publisher == b.publisher else 0.0)
    points += BODY * overlap(a.body, b.body) if a.body and b.body else 0.0
    alike = len(both) / max(1, len(first) + len(second) - len(both)) - NEARLY_ALL
    points += ALIKE * alike if alike > 0 else BOTH_ASK * (a.asks and b.asks)
    points += UNKNOWN if rare is None else RAREST[0] * max(map(rare.words.__getitem__, both), default=0.0)
    # Cheap bounds first: most pairs end at one of them. What one headline shares is shared by the whole.
    share = min(1.0, len(both) * WIDTH / max(WIDTH, min(len(a.title), len(b.title))))
    if points + _MOST_OF_HEADLINES * share + _MOST_OF_PAIRS < DRIFT:
        return points + _MOST_OF_HEADLINES * share + _MOST_OF_PAIRS
    less, more = sorted((_said(a.title, second), _said(b.title, first)))
    points += HEADLINE[0] * more + HEADLINE[1] * less
    if rare is None or points + _MOST_OF_PAIRS < DRIFT:
        return points if rare is None else points + _MOST_OF_PAIRS
    return points + _rare_pairs(hashes(a.pairs), rare)


def _rare_pairs(pairs: frozenset[int], rare: Rare) -> float:
    common = [score for pair, score in rare.pairs.items() if pair in pairs]
    return RAREST[1] * max(common) + PAIRS * min(MANY, sum(common)) / MANY if common else 0.0


def _apart(time: timedelta) -> float:
    hours = math.log1p(abs(time.total_seconds()) / 3600)
    return HOURS * hours + LATE * max(0.0, hours - math.log1p(24))


def in_common(a: m.Trace, b: m.Trace) -> float:
    """The share of words that both have, and of runs of the text: which of many are worth comparing."""
    return jaccard(a.words, b.words) + jaccard(a.body, b.body)


def _said(title: bytes, words: frozenset[int]) -> float:
    """How much of a headline another item says, headline or lede."""
    own = hashes(title)
    return len(own & words) / max(1, len(own))
