"""Where the bytes come from, their format, the split and its digests."""

from mnist_mlflow.data.dataset import Dataset, load_dataset
from mnist_mlflow.data.features import features_of

__all__ = ["Dataset", "features_of", "load_dataset"]
