"""For whoever writes rules: lint, try, compare, audit, and the score on labels and verdicts. Pure."""
