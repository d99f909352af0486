"""Asking models in Python: `load` one, `read` pictures with it, and `evaluate` it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_mlflow.jobs.api.keywords import Address, with_options
from mnist_mlflow.protocol import CHAMPION, REGISTERED_MODEL, ModelOptions, Names, ReaderOptions, SplitOptions
from mnist_mlflow.types import silent

if TYPE_CHECKING:
    from mnist_mlflow.jobs.evaluate import Scores
    from mnist_mlflow.jobs.read import ReadResult
    from mnist_mlflow.tracking.readers import Reader


@with_options(ModelOptions)
def load(model: Address = CHAMPION, *, registered_model: str = REGISTERED_MODEL) -> Reader:
    """Load a model, to ask it about images.

    Returns a reader with `predict(pictures, max_error=None)`. It takes images (n, 28, 28) or (n, 784) of any dtype. It
    takes pictures of one digit each too, of any size, grey or in colour. It returns a DataFrame, a row for each:

        digit, confidence   the answer (int) and its probability (float)
        p0 ... p9           the probability of each digit
        sure, why           True where at most a share of `max_error` is wrong; else why not (text)
        second, inverted    the second best digit (int), and True for a picture that was turned to bright on dark

    `pyfunc` of the reader is the same model as MLflow loads it.

    Raises UsageError for what names no model. Raises UserFacingError for one that is not there or does not load.
    `predict` raises ImageError, a ValueError, for what are no images.

        >>> import mnist_mlflow, numpy
        >>> blank = numpy.zeros((1, 28, 28), numpy.uint8)
        >>> mnist_mlflow.load("champion").predict(blank)["why"].tolist()
        ['blank']
    """
    options = ModelOptions(**locals())
    from mnist_mlflow.tracking.readers import load_reader

    return load_reader(options.model, options.registered_model)


@with_options(ReaderOptions, Names)
def read(
    pictures: Address,
    *,
    model: Address = CHAMPION,
    max_error: float | None = None,
    out: Address = "readings.csv",
    experiment: str = "",
    registered_model: str = REGISTERED_MODEL,
) -> ReadResult:
    """Read the digits of photos, scans and drawings, as the command `read` does.

    `pictures` is a file, a folder, or a pattern like "scans/*.jpg". `out` is the CSV file that is written. Returns a
    result:

        table       a DataFrame, a row for each digit: picture, page, row, column (int, from 1), and what `predict`
                    of a loaded model says; a row without digit for each page that shows none
        metrics     counts by name: pictures, digits, sure, skipped; and seconds
        pictures    where pictures of the pages lie, with frames around what was read
        out         the path of the file

    Raises UserFacingError, before there is a run, where nothing can be read or no model loads.

        >>> import mnist_mlflow
        >>> result = mnist_mlflow.read("photo.png", model="champion")
        >>> result.table["digit"].tolist()
        [7]
    """
    options = locals()
    from mnist_mlflow.jobs.read import Params, run

    return run(Params(**options), silent)


@with_options(ModelOptions, SplitOptions, Names)
def evaluate(
    model: Address = CHAMPION,
    *,
    data: Address = "auto",
    split_seed: int = 0,
    corruptions: bool = False,
    experiment: str = "",
    registered_model: str = REGISTERED_MODEL,
) -> Scores:
    """Score a model on the test images, as the command `evaluate` does, in a run that counts as opening them.

    With `corruptions` it scores on validation images that are changed in twenty ways. With `data`, the path of
    pictures of one's own, it scores on these. Either leaves the test images shut. Returns a result:

        metrics     floats by name: test_accuracy and other shares from 0 to 1, test_log_loss in nats
        openings    how often the test images have been opened (test images alone)
        readings    a DataFrame with the answer to each picture (pictures of one's own alone)

    Raises UsageError for a model that is not there, or may have learned these images.

        >>> import mnist_mlflow
        >>> scores = mnist_mlflow.evaluate("champion", data="digits")
        >>> scores.metrics["test_accuracy"] > 0.9
        True
    """
    options = locals()
    from mnist_mlflow.jobs.evaluate import Params, run

    return run(Params(**options), silent)
