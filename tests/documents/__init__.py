"""Documents: README, CONTRIBUTING and the site of docs/, most of which a program can check and some of which it writes.

`python -m tests.documents` writes what is made from the code. Begin in pages.py.

    pages.py        all that is written: pages of algorithms, the reference, tables that are copied
    commands.py     the page of each algorithm, and the reference of commands and parameters
    functions.py    the reference of the Python API
    names.py        every metric, tag and artifact, with its meaning in names.yml
    reference.py    their pages
    blocks.py       the code in documents and docstrings, each block with the reason why it is not run
    hooks.py        what mkdocs does with links and documents outside of docs/
"""
