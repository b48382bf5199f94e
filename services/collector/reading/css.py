"""CSS selectors that a source names, as lxml runs them. Pure."""

from __future__ import annotations

from functools import lru_cache

import cssselect
from lxml import etree


class SelectorError(ValueError):
    """A selector that is none; the text names which, and why."""


@lru_cache(maxsize=512)
def finder(name: str, selector: str) -> etree.XPath:
    """What finds the elements of `selector`; raises SelectorError that calls it `name`."""
    try:
        return etree.XPath(cssselect.HTMLTranslator().css_to_xpath(selector))
    except (cssselect.SelectorError, etree.LxmlError, ValueError) as error:
        raise SelectorError(f"{name}: {selector!r} is no CSS selector: {error}") from None
