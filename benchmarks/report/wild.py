"""Other people's digits: accuracies, what models are sure of, and the time of the canonical digit."""

from collections.abc import Iterator
from typing import Any

from benchmarks.report.compare import is_accurate, verdict
from benchmarks.report.tables import Cells, figure, table
from benchmarks.results import Results
from benchmarks.targets import (
    IMAGE_MS,
    LETTERS,
    MAX_ERRORS,
    PHOTO_MS,
    TEST_COVERAGE,
    WILD,
    WILD_COVERAGE,
    WILD_ERRORS,
    WILD_MODELS,
)

TEST = "MNIST test"
ABOUT = """Pictures that other people made, handed over as they are: photos of pen on paper, drawings, cuts that their
owners made, cells of photographed sudokus, and two older data sets of other writers (USPS; semeion, stretched to the
box). Nothing in them teaches, tunes or calibrates. The peer is [the program of most tutorials](peers/tutorial.py):
grey, turned to bright ink, shrunk to 28 x 28, a convolutional network. An accuracy that misses its target has a star.
MNIST's test images have their labels set right. The rows to reach do not hold for all: the default `cnn` may have two
points less, and nothing is asked of the models that are not in the next table."""
SURE = """Coverage, the share of pictures that a model is sure of, and in brackets how many of those are wrong, where
{error:.1%} may be. To reach: {goal}. What misses that has a star."""

FIRST_GOAL = (
    f"of each set at least {WILD_COVERAGE:.0%}, at most {WILD_ERRORS:.1%} of them wrong; no blank cell, and at most "
    f"{LETTERS:.0%} of the letters"
)
SECOND_GOAL = f"at least {TEST_COVERAGE:.0%} of MNIST's test images, none of them wrong"


def wild(results: Results) -> list[str]:
    """Three sections: accuracy, then what is sure with each error that is allowed."""
    models: dict[str, dict[str, Any]] = results["models"]
    names = list(models["ensemble"]["digits"])
    rows = [_accuracies(name, model["digits"]) for name, model in [*models.items(), ("peer", results["peer"])]]
    goals = ["to reach", *(f"{WILD[name]:.1f}" if name in WILD else "" for name in names)]
    sizes = ["pictures", *(f"{entry['n']:,}" for entry in models["ensemble"]["digits"].values())]
    head = ("%", *names)
    return [
        table("Other people's digits", head, [*rows, goals, sizes], f"{ABOUT}\n\n{_times(results['canonical'])}"),
        *(_sure(models, error) for error in MAX_ERRORS),
    ]


def _accuracies(name: str, digits: dict[str, Any]) -> Cells:
    slack = WILD_MODELS.get(name, float("inf"))
    accuracies = {kind: 100 * entry["accuracy"] for kind, entry in digits.items()}
    missed = {kind for kind in WILD if not is_accurate(accuracies[kind], WILD[kind] - slack)}
    return [name, *(f"{value:.1f}{'*' * (kind in missed)}" for kind, value in accuracies.items())]


def _times(canonical: dict[str, float]) -> str:
    image, photo = canonical["image_ms"], canonical["photo_ms"]
    return (
        f"To bring an image of 28 x 28 pixels into the form of MNIST takes {figure(image)} ms, to reach {IMAGE_MS}: "
        f"{verdict(image <= IMAGE_MS)}; a photo of 12 megapixels {figure(photo)} ms, to reach {PHOTO_MS}: "
        f"{verdict(photo <= PHOTO_MS)}."
    )


def _sure(models: dict[str, dict[str, Any]], error: float) -> str:
    first = error == MAX_ERRORS[0]
    goal = FIRST_GOAL if first else SECOND_GOAL
    head = ("%", *models["ensemble"]["digits"], *models["ensemble"]["strange"])
    rows = [[name, *_sure_cells(models[name], str(error), first)] for name in WILD_MODELS]
    return table(f"Other people's digits: sure at {error:.1%}", head, rows, SURE.format(error=error, goal=goal))


def _sure_cells(model: dict[str, Any], error: str, first: bool) -> Iterator[str]:
    for kind, entry in model["digits"].items():
        coverage, errors = entry["sure"][error]["coverage"], entry["sure"][error]["errors"]
        reached = True
        if first and kind in WILD:
            reached = coverage >= WILD_COVERAGE and errors <= WILD_ERRORS * coverage * entry["n"]
        elif not first and kind == TEST:
            reached = coverage >= TEST_COVERAGE and not errors
        yield f"{100 * coverage:.1f} ({errors}){'*' * (not reached)}"
    for kind, entry in model["strange"].items():
        share = entry["sure"][error]
        reached = share <= (LETTERS if kind == "letters" else 0) or not first
        yield f"{100 * share:.1f}{'*' * (not reached)}"
