"""What algorithms have learned: each file holds one kind of scorer, which gives every digit a score.

A scorer is asked about features, and kept in files without code. A model's description names its kind, which is the
name of the file; `base.py` holds the contract. Nothing here learns.
"""
