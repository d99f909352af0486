"""Reports: the model card in the registry, a page of HTML about the champion, and one that compares runs.

Begin with card.py, whose sections (sections.py) card and page show. lead.py writes its first sentences, board.py the
leaderboard; page.py fills page.html.jinja with them. chosen.py reads what the card of a version is written from.
evaluations.py tells what was scored after the training. `readings.py` makes a table of what was read on pages,
framed.py draws it. `comparison.py` compares runs by such sections. differences.py says what made them, pairs.py which
is better, searches.py what they tried. `comparison_page.py` shows them with pictures. Both pages extend
base.html.jinja. `html.py` fills templates, figures.py writes figures, markdown.py escapes. `reproduction.py` puts a
run beside the one that made it again.
"""
