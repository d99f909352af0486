"""Scorers hold what algorithms have learned, and give each digit a score: one file for each kind.

A scorer takes features, and is kept in files without code. A model's description names its kind, which is the name of
the file. Begin with base.py, the contract. graph.py is what each algorithm leaves, vote.py an ensemble of models.
Nothing here learns.
"""
