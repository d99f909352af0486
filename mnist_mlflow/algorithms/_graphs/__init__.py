"""What algorithms have learned, written as ONNX graphs, by which any runtime answers.

Begin with building.py, which writes a graph node by node. trees.py writes those of forests and of boosted trees,
network.py those of Keras.
"""
