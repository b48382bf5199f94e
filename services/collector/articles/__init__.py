"""The page behind an entry: its text, its attachments, and a second look at it later."""
