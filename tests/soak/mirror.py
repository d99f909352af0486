"""A mirror on loopback that sends four small files in the form of MNIST's, slowly."""

import gzip
import hashlib
import os
import signal
import socketserver
import struct
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnist_mlflow.data.mnist import DIGESTS
from tests.soak.forks import end_with_parent

SIZES = {"train": 200, "t10k": 100}
PIECE, PAUSE = 8_192, 0.005  # bytes, seconds


class Mirror:
    """The mirror's process, its address, and what it sends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.digests: dict[str, str] = {}
        rng = np.random.default_rng(0)
        for name in DIGESTS:
            count = SIZES[name.partition("-")[0]]
            shape = (count, 28, 28) if "images" in name else (count,)
            array = rng.integers(0, 10, shape, np.uint8)
            if name == "train-images-idx3-ubyte":
                self.images = array
            content = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + array.tobytes()
            self.digests[name] = hashlib.sha256(content).hexdigest()
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        self._serve(folder)

    def _serve(self, folder: Path) -> None:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), partial(Slow, directory=str(folder)))
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_address[1]}/"
        self.pid = os.fork()
        if not self.pid:
            try:
                end_with_parent()
                server.serve_forever()
            finally:
                os._exit(1)
        server.server_close()

    def stop(self) -> None:
        """End the process."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Slow(SimpleHTTPRequestHandler):
    """Sends files in pieces, with pauses between them."""

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        """Send a file."""
        try:
            while piece := source.read(PIECE):
                outputfile.write(piece)
                time.sleep(PAUSE)
        except ConnectionError:
            pass  # the one who asked was killed

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Print nothing."""
