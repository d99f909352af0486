"""Ours against what a user would pick instead, side by side: `make bench`. What comes out is in RESULTS.md.

rows.py says what is compared and what is to be reached, peers/ holds the other side, worker.py is what a fresh
process does, __main__.py calls the processes one after the other. store.py, overhead.py and growth.py measure the
rest; results.py keeps the figures, report.py writes them down.
"""
