"""Dashboards as code: `panels` says what they show, `build` writes the files."""
