"""Pages: the pictures in files that people name, and the digits on them, wherever they are.

Begin with finding.py: `find_digits` cuts each digit out. `ink.py` tells ink from paper, `lines.py` takes lines and
boxes away. `marks.py` puts together what is broken, `rows.py` knows the reading order. `files.py` opens files.
"""
