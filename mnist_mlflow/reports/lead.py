"""The first sentences of a card: what was measured on which images, and by which rule the model was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mnist_mlflow.data import in_words
from mnist_mlflow.evaluation.significance import accuracy_interval

NO_MNIST = "These are small pictures that come with scikit-learn, and no MNIST: figures of the two do not compare."


def lead(
    algorithm: str, metrics: Mapping[str, float], images: int, tags: Mapping[str, str], decision: Mapping[str, str]
) -> str:
    """The sentences about a model by its metrics on so many validation images; 0 where nobody knows how many."""
    return " ".join(_sentences(algorithm, metrics, images, tags, decision))


def _sentences(
    algorithm: str, metrics: Mapping[str, float], images: int, tags: Mapping[str, str], decision: Mapping[str, str]
) -> Iterator[str]:
    data = in_words(tags.get("dataset", "an unknown data set"))
    if "val_accuracy" in metrics:
        yield f"{algorithm} reads {_share(metrics['val_accuracy'], images)} of {_count(images)}validation images right."
    if "test_accuracy" in metrics:
        yield f"Of the test images, which decided nothing, it reads {100 * metrics['test_accuracy']:.2f} % right."
    yield f"All figures are of {data}."
    if tags.get("dataset") == "digits":
        yield NO_MNIST
    if "rule" in decision:
        yield f"The rule that chose it: {decision['rule']}."
    if "among" in decision:
        yield f"{decision['among'][:1].upper()}{decision['among'][1:]}."


def _share(accuracy: float, images: int) -> str:
    if not images:
        return f"{100 * accuracy:.2f} %"
    low, high = accuracy_interval(round(accuracy * images), images)
    return f"{100 * accuracy:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def _count(images: int) -> str:
    return f"{images:,} " if images else "the "
