"""Selection: from candidates in the tracking store to a champion in the registry.

Begin with entry.py, the record of a candidate. evidence.py reads runs and asks models; pool.py gathers the
candidates that matter; rule.py chooses among them and guards the champion; decision.py and leaderboard.py put it into
words and tables. promotion.py registers the winner. test_images.py alone opens the test images, after the decision.
"""
