"""ONNX graphs of what algorithms have learned, by which any runtime answers.

Begin with building.py, which writes a graph node by node. trees.py writes those of forests and of boosted trees,
network.py those of Keras.
"""
