"""The driver of a Ray cluster, a process of its own: Ray kills it when the cluster is gone.

It hands commands out as tasks, and passes on what becomes of them. Ray's own words go into a file.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import NodeDiedError, RayError, RayTaskError, TaskCancelledError

from mnist_mlflow.errors import one_line
from mnist_mlflow.search.cluster_messages import BEGUN, Beat, Cancel, Leave, Line, Loss, Refusal, Start
from mnist_mlflow.search.cluster_task import Done, node_name, run_command
from mnist_mlflow.search.workers import SIGNALLED, Command, Ending, Shown

TICK = 0.2  # seconds between looks at the tasks
BEAT = 1.0  # seconds between signs of life
HEAD = {"node:__internal_head__": 0.001}  # Ray's resource, which the head alone has


class Mailbox:
    """The lines of commands on all nodes, on their way to the driver; an actor on the head."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, line: Line) -> None:
        """Keep a line."""
        self.lines.append(line)

    def take(self) -> list[Line]:
        """All lines since the last time."""
        lines, self.lines = self.lines, []
        return lines


def run_on_node(number: int, command: Command, patience: float, mailbox: Any) -> Done:
    """Run a command in a task, and put its lines into the mailbox."""
    sent: list[Any] = []  # the last one

    def tell(stream: str, text: str) -> None:
        sent[:] = [mailbox.put.remote(Line(number, node_name(), stream, text))]

    tell(BEGUN, "")
    done = run_command(command, patience, tell if command.shown is not Shown.NOTHING else None)
    with contextlib.suppress(RayError):
        ray.get(sent)  # before the end is told
    return done


def drive(pipe: Connection, address: str, patience: float, log: str) -> None:
    """Be the driver at the other end of a pipe, until it says so or is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which decides
    _redirect(log)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
        driver = Driver(pipe, patience)
    except (Exception, SystemExit) as error:
        pipe.send(Refusal(_in_one_line(error)))
        return
    with contextlib.suppress(EOFError, BrokenPipeError):
        driver.serve()
    ray.shutdown()


def _redirect(log: str) -> None:
    with Path(log).open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)


def _in_one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


@dataclass
class Driver:
    """The commands that run as tasks, by number, and the nodes where they have begun."""

    pipe: Connection
    patience: float
    commands: dict[int, Command] = field(default_factory=dict)
    tasks: dict[int, Any] = field(default_factory=dict)
    nodes: dict[int, str] = field(default_factory=dict)
    is_ending: bool = False

    def __post_init__(self) -> None:
        self.mailbox = ray.remote(num_cpus=0, max_restarts=-1, resources=HEAD)(Mailbox).remote()
        # What is lost is our own affair: a run is closed, a trial is repeated by the study.
        self.run_on_node = ray.remote(num_cpus=1, max_retries=0)(run_on_node)
        self.next_beat = 0.0

    def serve(self) -> None:
        """Start and cancel commands, and tell what they print and how they end; until the other end says Leave."""
        while True:
            wish = self.pipe.recv() if self.pipe.poll(TICK) else None
            if isinstance(wish, Leave):
                return
            self._obey(wish)
            ready = self._ready()
            self._pass_lines_on()
            for number in ready:
                self._conclude(number)
            if time.monotonic() > self.next_beat:
                self.next_beat = time.monotonic() + BEAT
                self.pipe.send(Beat(int(ray.cluster_resources().get("CPU", 0))))

    def _obey(self, wish: Start | Cancel | None) -> None:
        match wish:
            case Start(number, command):
                self.commands[number] = command
                self._start(number)
            case Cancel(force):
                self.is_ending = True
                for task in self.tasks.values():
                    ray.cancel(task, force=force)

    def _start(self, number: int) -> None:
        self.tasks[number] = self.run_on_node.remote(number, self.commands[number], self.patience, self.mailbox)

    def _ready(self) -> list[int]:
        numbers = {task: number for number, task in self.tasks.items()}
        ready = ray.wait(list(numbers), num_returns=len(numbers), timeout=0)[0] if numbers else []
        return [numbers[task] for task in ready]

    def _pass_lines_on(self) -> None:
        with contextlib.suppress(RayError):  # while the mailbox is started again
            for line in ray.get(self.mailbox.take.remote()):
                if line.stream == BEGUN:
                    self.nodes[line.number] = line.node
                else:
                    self.pipe.send(line)

    def _conclude(self, number: int) -> None:
        """Tell how a command ended; one that a dead node never began is started elsewhere."""
        task, node = self.tasks.pop(number), self.nodes.get(number, "")
        try:
            done = ray.get(task)
            self.pipe.send(Ending(number, done.status, f"On {node}: {done.error}" if done.error else ""))
        except TaskCancelledError:
            self.pipe.send(Ending(number, SIGNALLED + signal.SIGTERM))
        except RayTaskError as error:  # of ours: the node has no such code
            self.pipe.send(Ending(number, 1, f"On a node of the cluster: {_in_one_line(error)}"))
        except RayError as error:
            if isinstance(error, NodeDiedError) and not node and not self.is_ending:
                self._start(number)
            else:
                self.pipe.send(Loss(node, one_line(error)))
                self.pipe.send(Ending(number, None))
