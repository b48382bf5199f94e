"""Chance that can be had again: a failing test has printed its seed, and `TINSOM_SEED` brings it back."""

from __future__ import annotations

import os
import random


def seeded() -> random.Random:
    seed = int(os.environ.get("TINSOM_SEED", random.randrange(1 << 30)))
    print(f"TINSOM_SEED={seed}")
    return random.Random(seed)
