"""The store, the runs in it and the registry: the only room that imports MLflow, `model/` apart.

MLflow's own variables mean what they always mean. Begin with lifecycle.py: a run is opened or taken over, and always
closed; runs.py fills it. store.py says which store it is, and servers.py asks it. permissions.py knows what an account
may do there. registry.py keeps the champion, versions.py reads what a version tells, candidates.py finds what can
compete. evaluations.py keeps and finds the scores of models after their training. named.py finds a run by what people
type. named_sides.py groups the runs of a comparison; sides.py reads them. views.py says what the MLflow UI shows of an
experiment. datasets.py names data sets in tags. readers.py loads models that show what they saw of pictures; scoring.py
speaks MLflow's scoring protocol. defaults.py sets variables that nobody has set.
"""
