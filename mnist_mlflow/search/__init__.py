"""Optuna studies of hyperparameters: the only room that imports Optuna. It knows nothing of runs but their ids.

Begin with spec.py, the specification of a search. queue.py admits one trial after another and repeats lost ones, in a
storage.py that outlasts restarts. runner.py tries a trial, worker.py joins both, supervisor.py runs several workers:
workers.py says what these are, machine.py starts them here. joining.py tells other machines of a search.
records.py reads a trial back; summary.py and plots.py present a study.
"""
