"""Graphs of ONNX, by which any runtime gives the answers of what algorithms have learned.

Begin with building.py, which writes a graph node by node. trees.py writes forests and boosted trees. neighbours.py
writes the search for the nearest, network.py asks Keras.

chain.py writes all that a model does, from images on. Its features are of deskew.py and hog.py. formulas.py lets them
write as in NumPy.
"""
