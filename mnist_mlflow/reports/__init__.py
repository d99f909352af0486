"""What people read afterwards: the model card, and a page about the champion.

Begin with card.py, whose sections both show.
"""
