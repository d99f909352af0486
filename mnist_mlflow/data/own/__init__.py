"""One's own data sets: folders of labelled pictures and files of arrays become canonical digits.

Begin with opening.py: `open_own` sees what lies at a path. `listing.py` lists the pictures of a folder with their
labels, `pictures.py` makes canonical digits of them and keeps these. `arrays.py` reads IDX and NumPy files.
`collection.py` holds what was read: without duplicates, with the reasons why pictures are left out.
"""
