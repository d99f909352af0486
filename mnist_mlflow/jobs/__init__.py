"""One file per entry point that is no algorithm (main, ensemble, select, report), and what they share.

Each job opens a run, walks along the way of the data, and returns what came of it. Begin with train.py: data, search
if wanted, fit, record. recording.py fills the run, search.py searches inside it, trial_runs.py writes its trials.
"""
