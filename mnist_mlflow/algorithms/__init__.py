"""Learning: one file per algorithm, found by its file name.

`base.py` holds the contract and `train_model`, which every run and every trial calls; `forest.py` is the shortest
example. A file that begins with an underscore is no algorithm: several algorithms share it. `_augmentation.py` varies
the training images, with strokes of `_strokes.py`. `abstention.py` learns when a model is sure, with `_novelty.py` and
images by `_no_digits.py`. `_network.py` trains the networks with the optimizer of `_optimizer.py`.
"""
