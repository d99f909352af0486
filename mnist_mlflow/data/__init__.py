"""Where the bytes come from, their format, the split and its digests."""

from mnist_mlflow.data.dataset import DATA, Dataset, load_dataset
from mnist_mlflow.data.features import features_of

__all__ = ["DATA", "Dataset", "features_of", "load_dataset"]
