"""A sample day of feeds, served on loopback and played fast: what `tinsom demo` watches.

`edition` reads the day (`day/*.yaml`), `timeline` says what happens when, `answers` decides what a feed or a page
answers at a moment, `site` serves it. All of it is invented; the institutions and programmes it names exist,
what it says about them does not.
"""
