"""Optuna studies of hyperparameters: the only room that imports Optuna. It knows nothing of runs.

space.py says what may be tried, queue.py keeps the study and who tries what, runner.py tries, one trial at a time,
supervisor.py does so in several processes; summary.py and plots.py tell what came of it.
"""
