"""Benchmark: ours against what a user would pick instead, side by side. `make bench` writes RESULTS.md.

peers/ is the other side, a plain program for each algorithm: begin there. targets.py lists what is compared and what
is to be reached. measure/ starts a fresh process for each measurement, tasks/ is what these processes do. results.py
stores the figures, report/ writes them down.
"""
