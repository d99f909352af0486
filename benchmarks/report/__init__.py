"""RESULTS.md, written from results.json, without importing what measured: begin in page.py.

There the sections are put in order; each part has a file that writes its section. compare.py works out what the
figures come to, tables.py puts them into Markdown.
"""
