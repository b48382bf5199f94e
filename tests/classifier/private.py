"""Where the private test texts are: TINSOM_PRIVATE_DATA; without it the tests that need them skip and say so."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.classifier import taxonomy
from services.classifier.tagger import Tagger

FOLDER = Path(os.environ.get("TINSOM_PRIVATE_DATA", ""))
needs_private_data = pytest.mark.skipif(
    not os.environ.get("TINSOM_PRIVATE_DATA"), reason="TINSOM_PRIVATE_DATA is not set: no private texts here"
)


@cache
def tagger() -> Tagger:
    return Tagger(taxonomy.load())


def seed(number: int) -> str:
    (path,) = (FOLDER / "seeds").glob(f"{number:03d}_*.txt")
    return path.read_text("utf-8")


def labelled() -> list[dict[str, Any]]:
    lines = (FOLDER / "labelled" / "articles.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]
