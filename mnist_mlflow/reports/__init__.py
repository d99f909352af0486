"""Reports: the model card in the registry, and a page of HTML about the champion.

Begin with card.py, whose sections both show; page.py fills page.html.jinja with them. `markdown.py` escapes.
`reproduction.py` puts a run beside the one that made it again.
"""
