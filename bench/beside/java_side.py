"""How does the Java library take its turn? A program of its own, one JVM for all turns of a figure.

Its sources lie in ``bench/java``; they are compiled with the jars that the compatibility tests
fetch, and kept in the checkout's ``.cache``. A JSON object a line goes in, one comes out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from bench.beside.tally import Tally
from bench.import_time import ROOT
from tests.compatibility.java_build import NEWEST, JavaMissingError, build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCES: Final = ROOT / "bench" / "java"
CACHE: Final = ROOT / ".cache" / "java-bench"
# Else as ScalarDB's user has it: no other collector, no other compiler.
JVM: Final = ("-Xmx1g",)
_COMPILE_SECONDS: Final = 300
_LATE_SECONDS: Final = 180.0  # for a crowded machine to answer


class JavaSideError(RuntimeError):
    """The program said what went wrong, or ended."""


@dataclass(frozen=True)
class Program:
    """A Java program: where its sources and jars are, and its class.

    ``left_out``: jars that it is run without, as the beginning of their names.
    """

    java: Path
    jars: Path
    sources: Sequence[Path]
    main: str
    left_out: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """The program, ready to run, compiled if it isn't yet.

        Raises:
            JavaMissingError: no JDK.
            RuntimeError: a source does not compile; the compiler's words are in the message.
        """
        jars = [
            str(jar)
            for jar in sorted(self.jars.glob("*.jar"))
            if not jar.name.startswith(self.left_out)
        ]
        return [
            str(self.java),
            *JVM,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "-cp",
            os.pathsep.join([str(self._compiled()), *jars]),
            self.main,
        ]

    def _compiled(self) -> Path:
        compiler = self.java.resolve().with_name("javac")
        if not compiler.is_file():
            raise JavaMissingError(f"no `javac` beside {self.java}: install a JDK, not a JRE")
        digest = hashlib.sha256(self.jars.name.encode())
        for source in self.sources:
            digest.update(hashlib.sha256(source.read_bytes()).digest())
        classes = CACHE / f"classes-{digest.hexdigest()[:16]}"
        if not classes.is_dir():
            self._compile(compiler, classes)
        return classes

    def _compile(self, compiler: Path, classes: Path) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="building-", dir=CACHE))
        try:
            done = subprocess.run(  # noqa: S603  # the JDK's own compiler
                [
                    *(compiler, "-d", work, "-cp", f"{self.jars}/*"),
                    *("-Xlint:all,-processing,-path", "-Werror"),
                    *self.sources,
                ],
                capture_output=True,
                text=True,
                timeout=_COMPILE_SECONDS,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(f"{self.main} does not compile:\n{done.stderr[-4000:]}")
            try:
                work.rename(classes)
            except OSError:
                if not classes.is_dir():  # or another process has built the same meanwhile
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)


def library() -> Program:
    """Transactions of the Java library itself.

    JavaMissingError: no JDK, or no Maven where the jars are to be fetched.
    """
    built = build(NEWEST)
    return Program(built.java, built.jars, sorted(SOURCES.rglob("*.java")), "scalar_tx.bench.Main")


class JavaSide:
    """A running JVM with one configuration of the library; a context manager."""

    def __init__(
        self, properties: Mapping[str, str], program: Program | None = None, **more: object
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            (program or library()).command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._ask({"do": "open", "properties": dict(properties), **more}, _LATE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def turn(
        self,
        workload: str,
        *,
        clients: int,
        seed: int,
        warm_up: float,
        seconds: float,
        scale: Mapping[str, int],
    ) -> Tally:
        """Run so many clients."""
        wanted = {
            "do": "run",
            "workload": workload,
            "clients": clients,
            "seed": seed,
            "warm_up": warm_up,
            "seconds": seconds,
            "scale": dict(scale),
        }
        return Tally.from_json(self._ask(wanted, warm_up + seconds + _LATE_SECONDS))

    def seen(self, workload: str) -> list[str]:
        """What the records hold, line by line, as ``agreement`` has it on our side."""
        return list(self._ask({"do": "look", "workload": workload}, _LATE_SECONDS))

    def _ask(self, wanted: Mapping[str, Any], seconds: float) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(seconds, self._process.kill)
        late.start()
        try:
            self._process.stdin.write(json.dumps(wanted) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            late.cancel()
        if not answer:
            raise JavaSideError(f"the JVM ended at {wanted['do']}; its error stands above")
        said = json.loads(answer)
        if "error" in said:
            raise JavaSideError(f"{wanted['do']}: {said['error']}")
        return said.get("ok")  # what has nothing to say says nothing
