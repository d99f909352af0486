"""Data sets: their sources and formats, the split and its digests, and cached features.

Begin with dataset.py: `load_dataset` opens a source (source.py) and splits it. `mnist.py`, `digits.py`, `idx.py` and
`download.py` bring the bytes, `own/` those of somebody's own data set; `added.py` adds these to another.
`features.py` caches what algorithms learn from. `label_errors.py` corrects test labels. `pages/` finds the digits in
pictures. `folders.py` and `databases.py` say where files and databases lie, for every room that keeps something.
The first also lists the files in somebody's folder.
"""

from mnist_mlflow.data.dataset import DIGESTS, Dataset, load_dataset, split
from mnist_mlflow.data.features import features_of
from mnist_mlflow.data.source import Source, in_words, open_source

__all__ = ["DIGESTS", "Dataset", "Source", "features_of", "in_words", "load_dataset", "open_source", "split"]
