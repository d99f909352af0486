"""The MLflow UI as people see it, in Debian's Chromium: `make browser`.

`screen.py` starts the UI on a store and opens pages of it. `python -m tests.browser` makes the documents' screenshots.
"""
