"""Optuna studies of hyperparameters, and the only room that imports Optuna. It knows nothing of runs but their ids.

Begin with spec.py: a SearchSpec says what is searched. queue.py hands out one trial after another, runner.py tries it,
worker.py does both until nothing is left, in one process or, by supervisor.py, in several. records.py reads what came
of each trial; summary.py and plots.py present all of them.
"""
