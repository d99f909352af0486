"""Where the bytes come from, their format, the split and its digests."""

from mnist_mlflow.data.dataset import DATA, Dataset, load_dataset

__all__ = ["DATA", "Dataset", "load_dataset"]
