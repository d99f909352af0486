"""A run beside the one that made it again: verdict, metrics, trials, and what may explain a difference."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.plots import sheet
from mnist_mlflow.evaluation.verdict import Verdict
from mnist_mlflow.reports.markdown import escaped, table
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.origins import KINDS, Difference, Origin, differences, lost_kinds
from mnist_mlflow.tracking.results import read_file
from mnist_mlflow.types import Images, Labels, Probabilities

MEASURED = {"seconds", "latency", "tuning_ms_per_image"}  # columns of trials that no two runs share
NO_CAUSE = {"study", "workers", "voters", "mnist-mlflow"}  # differ because it is made again
MOST = 20  # differences in a description, whose length MLflow limits
DIFFERENCES_HEAD = ("kind", "what", "recorded", "now")
METRICS_HEAD = ("metric", "recorded", "now", "difference")
Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Reproduction:
    """Two runs, the verdict on the second, and the readings (n, 10) of both for the images with these labels (n,).

    `run_id` is the run that holds all this, around the second. `trials` are rows of a table, `remarks` are sentences
    about what was made otherwise than recorded. `members` are those of an ensemble, where they were made again too.
    """

    run_id: str
    old: Origin
    new: Origin
    verdict: Verdict
    labels: Labels
    probabilities: tuple[Probabilities, Probabilities]
    trials: Rows
    remarks: Sequence[str] = ()
    members: Sequence[Reproduction] = ()

    @property
    def differences(self) -> list[Difference]:
        """The facts that the two runs do not share, and that may explain another result."""
        return [one for one in differences([self.old, self.new]) if one.name not in NO_CAUSE]

    @property
    def known_kinds(self) -> list[str]:
        """The kinds of facts that both runs have recorded."""
        lost = lost_kinds([self.old, self.new])
        return [kind for kind in KINDS if kind not in lost]

    @property
    def metrics(self) -> Rows:
        """Each metric of the validation images and each cost, of both runs, and the difference."""
        old, new = (as_candidate(origin.run, "").final_metrics for origin in (self.old, self.new))
        names = sorted(name for name in old.keys() & new.keys() if not name.startswith("test_"))
        return [(name, f"{old[name]:.6g}", f"{new[name]:.6g}", f"{new[name] - old[name]:+.3g}") for name in names]

    @property
    def changed_images(self) -> Rows:
        """Each image that is read as another digit now: its row, its label, and both readings with their confidence."""
        old, new = self.probabilities
        return [
            (str(row), str(self.labels[row]), *(part for each in (old, new) for part in _reading(each[row])))
            for row in self.verdict.changed
        ]

    @property
    def same_trials(self) -> int:
        """The number of trials that came out the same."""
        return sum(not row[-1] for row in self.trials)

    @property
    def members_again(self) -> Rows:
        """Each member of an ensemble that was made again: its run, the new one, the verdict, the largest difference."""
        members = [(one.old.run_id, one.new.run_id, one.verdict) for one in self.members]
        return [(old, new, verdict.word, f"{verdict.largest:.3g}") for old, new, verdict in members]

    @property
    def tags(self) -> dict[str, object]:
        """The verdict as tags of the run that holds it."""
        return {
            "verdict": self.verdict.word,
            "reproduced_as": self.new.run_id,
            "largest_difference": f"{self.verdict.largest:.3g}",
            "changed_images": len(self.verdict.changed),
        }


def _reading(probabilities: Probabilities) -> tuple[str, str]:
    return str(probabilities.argmax()), f"{probabilities.max():.4f}"


def read_trials(old: Origin, new: Origin) -> Rows:
    """The trials of two searches, one by one: number, state, value, and the columns that differ, with both values.

    Seconds and latencies are left out. No rows where one of the tables is gone.
    """
    try:
        first, second = (_trials_of(origin) for origin in (old, new))
    except UserFacingError:
        return []
    rows: Rows = []
    for number in sorted(first.keys() | second.keys(), key=lambda text: (len(text), text)):
        before, now = first.get(number, {"state": "missing"}), second.get(number, {"state": "missing"})
        names = [name for name in before | now if name not in MEASURED]
        changed = [f"{name}: {a} -> {b}" for name in names if (a := before.get(name, "")) != (b := now.get(name, ""))]
        rows.append((number, before["state"], now["state"], "; ".join(changed)))
    return rows


def _trials_of(origin: Origin) -> dict[str, dict[str, str]]:
    text = read_file(str(origin.run.info.artifact_uri), "search/trials.csv").decode(errors="replace")
    rows = [{str(name): str(cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
    return {row.pop("trial"): {"state": ""} | row for row in rows if "trial" in row}


def files_of(reproduction: Reproduction, images: Images) -> dict[str, bytes]:
    """The artifacts of a reproduction by name; `images` (n, 28, 28) are the validation images."""
    verdict = reproduction.verdict
    runs = {"reproduces": reproduction.old.run_id, "reproduced_as": reproduction.new.run_id}
    about = runs | asdict(verdict) | {"reason": verdict.reason, "remarks": list(reproduction.remarks)}
    rows = [(one.kind, one.name, *one.values) for one in reproduction.differences]
    images_head = ("image", "label", "read as", "confidence", "read now as", "confidence now")
    files = {
        "verdict.json": json.dumps(about, indent=2).encode(),
        "metrics.csv": _csv(METRICS_HEAD, reproduction.metrics),
        "differences.csv": _csv(DIFFERENCES_HEAD, rows),
        "changed_images.csv": _csv(images_head, reproduction.changed_images),
    }
    if reproduction.trials:
        files["trials.csv"] = _csv(("trial", "state", "state now", "differs in"), reproduction.trials)
    if reproduction.members:
        head = ("member", "made again as", "verdict", "largest difference")
        files["members.csv"] = _csv(head, reproduction.members_again)
    if verdict.changed:
        captions = [f"{before} → {now}\nrow {row}" for row, _, before, _, now, _ in reproduction.changed_images]
        title = "Validation images that are read as another digit now"
        counts = f"{len(captions)} of {len(images):,}: before → now"
        files["changed_images.png"] = as_png(sheet(images[list(verdict.changed)], captions, title, counts))
    return files


def _csv(head: Sequence[str], rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode()


def as_note(reproduction: Reproduction) -> str:
    """The description of the run that holds the verdict, in Markdown."""
    old, new, verdict = reproduction.old.run_id, reproduction.new.run_id, reproduction.verdict
    parts = [f"### Run {old} made again: {verdict.word}\n\n{escaped(verdict.reason)}. The new run is {new}."]
    parts += [f"- {escaped(remark)}" for remark in reproduction.remarks]
    parts.append(table(reproduction.metrics, METRICS_HEAD))
    if rows := [(one.kind, one.name, *one.values) for one in reproduction.differences]:
        more = f"\n\nand {len(rows) - MOST} more, in differences.csv" if len(rows) > MOST else ""
        parts.append(f"What differs, and may explain it:\n\n{table(rows[:MOST], DIFFERENCES_HEAD)}{more}")
    return "\n\n".join(parts)
