"""How does a test speak with the client that behaves well, and with the one that does not?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Self


class Peer:
    """A process that is told things and tells some, in lines of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.cluster.abuse.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def say(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def finish(self) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                end.close()
        self.process.kill()
        self.process.wait()
