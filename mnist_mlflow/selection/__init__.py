"""Selection: from candidates in the tracking store to a champion in the registry.

Begin with entry.py, the record of a candidate. `evidence.py` reads runs and asks models. `pool.py` gathers the
candidates that matter; those that differ in the seed alone are `members.py`. `rule.py` chooses among them and guards
the champion. `decision.py` and `leaderboard.py` put it into words and tables. `promotion.py` registers the winner. Only
`test_images.py` opens the test images, after the decision.
"""
