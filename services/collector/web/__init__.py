"""Asking other people's servers: what may be asked, how often, and what an answer means."""
