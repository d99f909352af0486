"""The other side: a short program for each algorithm, as the documentation of its library shows it.

Each has `fit(images, labels)`, which returns the model, and `predict(model, images)`, which returns labels (n,);
images are uint8 (n, 28, 28). That of tutorial.py predicts from pictures of any size.
"""
