"""Bytes into entries: feeds, sitemaps and listings, well-formed or not. Pure."""
