"""A Ray cluster of three machines, each made of Linux namespaces: address, host name, processes, memory and home.

The machines share the file system, and hang on a bridge by which they reach this machine. All of it ends with this
process: a namespace goes when its last process does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
PORT, CLIENT_PORT = 6379, 10001  # of the head, for nodes and drivers, and for Ray's client
PATIENCE = 120  # seconds for a node to start
NODE = ["--object-store-memory=80000000", "--disable-usage-stats", "--num-cpus=1", "--block"]
SPACES = ["--net", "--uts", "--ipc", "--pid", "--mount"]
# What the first process of a machine does: its own files of Ray and shared memory, then it waits for Ray to be typed.
BEGIN = (
    'hostname "$0"; mkdir -p /tmp/ray; mount -t tmpfs tmpfs /tmp/ray; mount -t tmpfs tmpfs /dev/shm; '
    "trap '' INT TERM; while :; do sleep 1000; done"
)


def why_not() -> str:
    """The reason why no machines can be made here; empty where they can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if lacking := [name for name in ("ip", "unshare", "nsenter", "setpriv", "ray") if not program(name)]:
        return f"not installed: {', '.join(lacking)}"
    if os.getuid():
        return "only root makes network namespaces"
    done = subprocess.run(["unshare", *SPACES, "--fork", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip()


def program(name: str) -> str | None:
    """The path of a program, of this environment first."""
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


class Network:
    """A bridge of this machine, at `address`, to which others are tied."""

    def __init__(self) -> None:
        for number in itertools.count(os.getpid() % 200):
            self.name, self.prefix = f"digits{number}", f"10.213.{number % 256}"
            if subprocess.run(["ip", "link", "add", self.name, "type", "bridge"], check=False).returncode == 0:
                break
        self.address = f"{self.prefix}.1"
        _ip(f"address add {self.address}/24 dev {self.name}")
        _ip(f"link set {self.name} up")

    def close(self) -> None:
        _ip(f"link delete {self.name}")


class Machine:
    """A machine of a network, with a home in a folder; Ray is started on it."""

    def __init__(self, network: Network, number: int, folder: Path, token: str) -> None:
        self.network, self.folder, self.link = network, folder, f"{network.name}-{number}"
        self.name, self.address = f"node{number}", f"{network.prefix}.{number + 2}"
        self.unshare: subprocess.Popen[bytes] | None = None
        self.init = ""
        self.ray: subprocess.Popen[bytes] | None = None
        secret = folder / ".ray" / "auth_token"
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(token)

    def boot(self) -> None:
        """Begin its namespaces, and tie it to the network."""
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *SPACES, "--mount-proc", "--kill-child", "--fork"]
        self.unshare = subprocess.Popen([*command, "sh", "-c", BEGIN, self.name], stderr=subprocess.DEVNULL)
        children = Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children")
        self.init = wait_for(lambda: children.read_text().strip())
        _ip(f"link add {self.link} type veth peer name eth0 netns {self.init}")
        _ip(f"link set {self.link} master {self.network.name} up")
        for words in ("link set lo up", f"address add {self.address}/24 dev eth0", "link set eth0 up"):
            subprocess.run([*self._enter("--net"), "ip", *words.split()], check=True)
        wait_for(lambda: "tmpfs /dev/shm" in Path(f"/proc/{self.init}/mounts").read_text())

    def _enter(self, *spaces: str) -> list[str]:
        return ["nsenter", "--target", self.init, *spaces, "--"]

    @property
    def variables(self) -> dict[str, str]:
        """The variables of those who work on it, with the token of the cluster in their home."""
        own = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"), "RAY_AUTH_MODE": "token"}
        return {**own, "PYTHONPATH": str(ROOT)}

    def popen(self, *command: str, variables: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[Any]:
        """Start a command on the machine, with its home and its token."""
        environment = {**os.environ, **self.variables, **(variables or {})}
        # What a script starts in the background inherits an ignored SIGINT, with which Ray cancels.
        words = [*self._enter(*SPACES), "setpriv", "--pdeathsig", "KILL", "env", "--default-signal=INT", *command]
        return subprocess.Popen(words, env=environment, cwd=self.folder, **options)

    def start_ray(self, *options: str) -> None:
        """Join the cluster, or begin one with `--head`."""
        words = [str(program("ray")), "start", f"--node-ip-address={self.address}", *NODE, *options]
        with (self.folder / "ray.log").open("wb") as log:
            self.ray = self.popen(*words, stdout=log, stderr=subprocess.STDOUT)

    def has_joined(self) -> bool:
        """True once Ray runs on it; fails when it does not start."""
        log = (self.folder / "ray.log").read_text()
        assert self.is_up(), log
        return "Ray runtime started" in log

    def is_up(self) -> bool:
        """True while Ray runs on it."""
        return self.ray is not None and self.ray.poll() is None

    def kill(self) -> None:
        """Kill all of its processes at once; their connections are closed, as the system does."""
        if self.unshare and self.unshare.poll() is None:
            os.kill(int(self.init), signal.SIGKILL)  # the first process, which ends after all others
            self.unshare.wait()
        if self.ray:
            self.ray.wait()
        subprocess.run(
            ["ip", "link", "delete", self.link], check=False, capture_output=True
        )  # the kernel takes a while

    def unplug(self) -> None:
        """Take it off the network, as a loss of power does: nobody is told."""
        _ip(f"link set {self.link} down")

    def processes(self, words: str) -> list[psutil.Process]:
        """The processes on it with these words in their command."""
        here = Path(f"/proc/{self.init}/ns/pid").readlink()
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if Path(f"/proc/{process.pid}/ns/pid").readlink() == here and words in " ".join(process.cmdline()):
                    found.append(process)
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def ray_logs(self) -> list[Path]:
        """What Ray keeps of its tasks and their output."""
        return [file for file in Path(f"/proc/{self.init}/root/tmp/ray").rglob("*") if file.is_file()]

    def plug(self) -> None:
        """Put it on the network again."""
        _ip(f"link set {self.link} up")


class Cluster:
    """Machines with Ray on them, the first of them the head, one core each."""

    def __init__(self, network: Network, folder: Path, size: int) -> None:
        self.network, self.machines = network, []
        token = secrets.token_hex(32)
        for number in range(size):
            self.machines.append(Machine(network, number, folder / f"node{number}", token))

    @property
    def head(self) -> Machine:
        """The machine that the others depend on."""
        return self.machines[0]

    @property
    def address(self) -> str:
        """The address of the cluster for those that are a part of it."""
        return f"{self.head.address}:{PORT}"

    @property
    def client_address(self) -> str:
        """The address of the cluster for Ray's client."""
        return f"ray://{self.head.address}:{CLIENT_PORT}"

    def start(self) -> None:
        """Start Ray on the machines on which it does not run; on all of them when the head is gone."""
        if not self.head.is_up():
            for machine in self.machines:
                self.restart(machine)
            self.head.start_ray(
                "--head", "--include-dashboard=false", f"--port={PORT}", f"--ray-client-server-port={CLIENT_PORT}"
            )
        for machine in self.machines[1:]:
            if not machine.is_up():
                self.restart(machine)
                machine.start_ray(f"--address={self.address}")  # it waits for the head
        for machine in self.machines:
            wait_for(machine.has_joined)

    def restart(self, machine: Machine) -> None:
        """Start a machine again, as after a loss of power."""
        machine.kill()
        machine.boot()

    def close(self) -> None:
        for machine in self.machines:
            machine.kill()


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A network for as long as it is wanted."""
    network = Network()
    try:
        yield network
    finally:
        network.close()


@contextlib.contextmanager
def cluster(network: Network, folder: Path, size: int = 3) -> Iterator[Cluster]:
    """A cluster for as long as it is wanted."""
    cluster = Cluster(network, folder, size)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def wait_for(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What `look` returns as soon as it is true."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)
    return seen


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)
