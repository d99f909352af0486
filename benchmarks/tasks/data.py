"""The whereabouts of the data."""

from mnist_mlflow.data.mnist import folders, load_mnist
from mnist_mlflow.types import silent


def folder() -> str:
    """The folder that holds MNIST, downloaded if need be."""
    load_mnist(silent)
    return str(next(path for path in folders() if any(path.glob("train-images-idx3-ubyte*"))))
