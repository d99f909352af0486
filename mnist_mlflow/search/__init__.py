"""Optuna studies of hyperparameters: the only room that imports Optuna. It knows nothing of runs but their ids.

Begin with spec.py, the specification of a search. queue.py admits one trial after another and repeats lost ones.
runner.py tries a trial, worker.py joins both, supervisor.py runs several workers. workers.py is the interface to places
where these run, machine.py is the place here. joining.py tells other machines of a search.
studies.py opens studies, storage.py lets them outlast restarts of their database, cache.py reads what has changed.
records.py reads a trial back; summary.py and plots.py present a study.
"""
