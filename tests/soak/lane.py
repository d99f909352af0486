"""A phase: its command is killed again and again, with a look at what is left each time."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.arena import Arena
from tests.soak.forks import ask, end_with_parent, fork, orphans_of, session, wait, wait_for_end
from tests.soak.moments import Moment, rehearse, strike_at
from tests.soak.phases import PHASES, Phase

MOST_IMPORTED = 60  # modules whose import does not count
MOST_IN_A_ROW = 4  # kills before a command is let go on to its end


@dataclass
class Tally:
    """What came of the kills of a phase."""

    phase: str
    kills: int = 0
    whole: int = 0  # times that the command was let go on to its end afterwards
    late: int = 0  # signals that came when the command had ended
    signals: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)  # statuses of the runs, as a kill left them
    orphans: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Lane:
    """The kills of a phase in an arena of its own."""

    def __init__(self, name: str, seed: int, folder: Path, store: Path) -> None:
        self.arena = Arena(folder, store)
        kind, _ = PHASES[name]
        self.phase: Phase = kind(self.arena)
        self.rng, self.tally, self.in_a_row = random.Random(f"{seed} {name}"), Tally(name), 0

    def prepare(self) -> None:
        """Make what the command needs, and get to know the command."""
        self.phase.prepare()
        self.arena.save()
        self.rehearse()

    def rehearse(self) -> None:
        """Rehearse the command; twice if it had to import more than a few modules."""
        for _ in range(2):
            self.rehearsal = rehearse(self.phase.act, self.arena.folder)
            self.arena.restore()
            if self.rehearsal.imported < MOST_IMPORTED:
                break

    def run(self, kills: int) -> Tally:
        """Kill so many times; returns what came of it."""
        started = time.perf_counter()
        self.prepare()
        while self.tally.kills < kills and not self.tally.problems:
            self.kill(Moment.draw(self.rng))
        self.tally.seconds = time.perf_counter() - started
        return self.tally

    def kill(self, moment: Moment) -> None:
        """Send the signal at its moment, and look at what is left."""
        tally, mark = self.tally, self.arena.folder / "struck"
        mark.unlink(missing_ok=True)
        try:
            leader, status = self._strike(moment, mark)
            tally.kills, tally.late = tally.kills + mark.exists(), tally.late + (not mark.exists())
            tally.signals[moment.number.name] += mark.exists()
            tally.orphans += (orphans := orphans_of(leader))
            assert not orphans, f"{orphans} processes stayed behind"
            tally.left[ask(lambda: self.phase.look(leader, status == 0), self.arena.folder)] += mark.exists()
            self.in_a_row += 1
            if self.in_a_row > self.rng.randrange(MOST_IN_A_ROW) or not mark.exists():
                self.go_on()
        except AssertionError as error:
            tally.problems.append(f"kill {tally.kills} of {tally.phase}, {moment}: {error}")

    def _strike(self, moment: Moment, mark: Path) -> tuple[int, int]:
        """Start the command, send the signal, wait for the end; returns the number of its process and its status."""

        def act() -> None:
            if moment.at_a_write:
                strike_at(int(moment.share * self.rehearsal.writes) + 1, moment.number, mark)
            self.phase.act()

        leader = fork(act, self.arena.folder)
        if not moment.at_a_write:
            status = wait(leader, moment.share * self.rehearsal.seconds)
            if status is not None:
                return leader, status
            mark.touch()
            os.kill(self._victim(leader, moment.number), moment.number)
        return leader, wait_for_end(leader)

    def _victim(self, leader: int, number: signal.Signals) -> int:
        """The command's own process; or one that it has started, which is killed and nothing else."""
        return self.rng.choice([leader, *session(leader)]) if number == signal.SIGKILL else leader

    def go_on(self) -> None:
        """Let the command go on to its end, check all, and put the arena back."""
        status = wait_for_end(fork(self.phase.act, self.arena.folder))
        assert status == 0, f"the next command ends with {status}"
        ask(self.phase.finish, self.arena.folder)
        self.arena.restore()
        self.tally.whole, self.in_a_row = self.tally.whole + 1, 0


def run_phase(name: str, kills: int, seed: int, folder: Path, store: Path) -> Tally:
    """Kill the command of a phase so many times, in a folder of its own."""
    end_with_parent()
    lane = Lane(name, seed, folder / name.partition(",")[0].replace(" ", "-"), store)
    try:
        return lane.run(kills)
    finally:
        lane.phase.stop()
