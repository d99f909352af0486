"""The server of `serve`: a page for people, and MLflow's scoring protocol for programs.

Begin with app.py, the addresses and what each answers. answers.py makes an answer of a picture. limits.py bounds size
and rate; guard.py knows the host names. server.py listens and ends. page.html.jinja is the page, which loads the files
of static/.
"""
