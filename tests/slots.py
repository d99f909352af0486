"""Workers that start no process."""

from collections.abc import Sequence

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.workers import Command, Ending


class Slots:
    """Workers whose commands are lost at the first look, and whose runs nobody writes."""

    def __init__(self, count: int) -> None:
        self.count, self.running, self.ended = count, dict[int, Command](), False
        self.most = 0
        self.error: BaseException | None = None  # in place of an ending
        self.commands: list[Command] = []

    def slots(self) -> int:
        return self.count

    def start(self, command: Command) -> int:
        if "--n_neighbors=9" in command.arguments:
            raise UserFacingError("no process can be started")
        number = len(self.running) + 1
        self.running[number] = command
        self.commands.append(command)
        return number

    def wait(self, seconds: float) -> Sequence[Ending]:
        if self.error:
            raise self.error
        self.most = max(self.most, len(self.running))
        return [Ending(number, None) for number in [*self.running] if self.running.pop(number)]

    def end(self, patience: float | None = None) -> None:
        self.ended = True
