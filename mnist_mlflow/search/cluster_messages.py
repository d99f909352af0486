"""The messages between the driver of a cluster and the process that started it."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_mlflow.search.workers import Command

BEGUN = "begun"  # the stream of a line that says where a command runs


@dataclass(frozen=True)
class Start:
    """Start the command with a number."""

    number: int
    command: Command


@dataclass(frozen=True)
class Cancel:
    """Have all commands close what they have begun; with force kill them."""

    force: bool


@dataclass(frozen=True)
class Leave:
    """Leave the cluster, and end."""


@dataclass(frozen=True)
class Beat:
    """The cluster answers, and has so many cores."""

    slots: int


@dataclass(frozen=True)
class Line:
    """A line that a command printed on a node, on a stream: `out`, `err`, or BEGUN."""

    number: int
    node: str
    stream: str
    text: str


@dataclass(frozen=True)
class Loss:
    """The node on which a command was lost, if it is known, and why, in Ray's words."""

    node: str
    reason: str


@dataclass(frozen=True)
class Refusal:
    """The reason why the cluster cannot be used, in Ray's words."""

    reason: str
