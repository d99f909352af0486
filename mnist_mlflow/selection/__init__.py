"""Selection: from candidates in the tracking store to a champion in the registry.

Begin with entry.py, the record of a candidate. `evidence.py` reads runs and asks models. `pool.py` gathers the
candidates that matter; those that differ in the seed alone are `members.py`. `rule.py` chooses among them and guards
the champion. `deciding.py` does all of that. `decision.py`, `finalists.py` and `leaderboard.py` put it into words and
tables. An outcome, in `outcome.py`, is carried out at once, or later from the plan of a dry run, in `plan.py`. That is
refused where its grounds, in `grounds.py`, have changed. `promotion.py` registers the winner. Only `test_images.py`
opens the test images, after that.
"""
