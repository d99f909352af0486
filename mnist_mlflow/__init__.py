"""Seven classifiers of handwritten digits, one tracked protocol, one registered champion.

Seven functions do in Python what commands do in a terminal, in the same store:

    train, search       learn with one algorithm, or look for its best hyperparameters first
    select              make the best model champion
    load, read          ask a model about images, or read the digits of photos, scans and drawings
    evaluate, compare   say how well a model reads, and what makes runs differ

    >>> import mnist_mlflow
    >>> run = mnist_mlflow.train("knn", data="digits", n_neighbors=3)
    >>> selection = mnist_mlflow.select(data="digits")
    >>> mnist_mlflow.read("photo.png").table["digit"].tolist()
    [7]

`help(mnist_mlflow.train)` says all about one of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["compare", "evaluate", "load", "read", "search", "select", "train"]

if TYPE_CHECKING:
    from mnist_mlflow.jobs.api import compare, evaluate, load, read, search, select, train
else:
    # The room `search` is imported now: an import later on would put it in the place of the function of that name.
    import_module("mnist_mlflow.search")
    del search

    def __getattr__(name: str) -> Any:
        """The function of that name: the libraries load when it is first asked for."""
        if name in __all__:
            return getattr(import_module("mnist_mlflow.jobs.api"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
