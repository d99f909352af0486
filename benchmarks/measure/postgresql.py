"""A PostgreSQL server of its own, from the programs that are installed, for as long as it is wanted."""

import contextlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.process import free_port

PROGRAMS = Path("/usr/lib/postgresql")  # where Debian keeps them


def is_installed() -> bool:
    """True if there is a server to start."""
    return any(PROGRAMS.glob("*/bin/pg_ctl"))


@contextlib.contextmanager
def postgresql(listen: str = "127.0.0.1") -> Iterator[str]:
    """The address of a server with an empty database, which listens at an address on a port that was free."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    folder.chmod(0o777)
    port = free_port()
    control = pg_ctl(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses={listen} -c fsync=off"
    _run(*control, "initdb", "-o", "--auth=trust --username=tester")
    with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write("host all all samenet trust\n")
    _run(*control, "-o", options, "start")
    try:
        yield f"postgresql://tester@{listen}:{port}/postgres"
    finally:
        _run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@contextlib.contextmanager
def stopped(address: str) -> Iterator[None]:
    """Stop a server as a crash does, and start it again at the end; the address is its administrator's."""
    import psycopg

    with psycopg.connect(address) as connection:
        (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    _, _, _, *options = shlex.split((Path(data) / "postmaster.opts").read_text(encoding="utf-8"))
    control = pg_ctl(Path(data))
    _run(*control, "-m", "immediate", "stop")
    try:
        yield
    finally:
        _run(*control, "-o", shlex.join(options), "start")


def pg_ctl(data: Path) -> list[str]:
    """The beginning of the commands that start and stop the server which keeps its data in a folder."""
    # The server refuses to be run by root.
    as_user = ["runuser", "-u", "postgres", "--"] if Path("/root").owner() == Path.home().owner() else []
    program = max(PROGRAMS.glob("*/bin/pg_ctl"))
    return [*as_user, str(program), "-D", str(data), "-w", "-l", str(data.parent / "log")]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd="/tmp")
