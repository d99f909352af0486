"""Optuna studies of hyperparameters: the only room that imports Optuna. It knows nothing of runs.

space.py says what may be tried, study.py keeps the study and who tries what, trying.py tries, one trial at a time,
workers.py does so in several processes; story.py and plots.py tell what came of it.
"""
