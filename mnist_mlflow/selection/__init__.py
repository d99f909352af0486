"""From the tracking store to the registry: who takes part, the rule, the decision, the test images, the promotion.

Begin with pool.py, which gathers candidates and compares them; rule.py chooses, gate.py guards the champion, and
test_images.py alone opens the test images, after the decision.
"""
