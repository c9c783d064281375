"""What does a rendered container do, run on this machine as the manifests say?"""

from __future__ import annotations

import base64
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.kubernetes.contained import CHECKOUT
from tests.servers.artifacts import ServerMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kubernetes.rendered import Object, Rendered

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
# The image's programs, and the module that each of them runs.
PROGRAMS = {"scalar-tx": "scalar_tx", "scalar-auditor": "scalar_auditor"}


def python_inside() -> str:
    """This Python where a container finds it: a volume may lie over where it really is."""
    here = Path(sys.executable)
    within = here.is_relative_to(ROOT)
    return str(Path(CHECKOUT, here.relative_to(ROOT)) if within else here)


def image_environment() -> dict[str, str]:
    """What the image sets, with this Python in place of its own."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Containerfile").read_text())
    last = text[text.rindex("\nFROM ") :]
    [line] = re.findall(r"^ENV (.+)$", last, re.MULTILINE)
    found = dict(one.split("=", 1) for one in line.split())
    path = f"{CHECKOUT}:{CHECKOUT}/schema:{CHECKOUT}/services"
    return {**found, "PATH": str(Path(python_inside()).parent), "PYTHONPATH": path}


class Container:
    """The container of a pod in namespaces, with a root and a user as in a cluster.

    Nothing but its arguments, variables, volumes and security context is given to it.
    """

    def __init__(
        self, made: Rendered, pod: Object, folder: Path, *, also: tuple[Object, ...] = ()
    ) -> None:
        if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
            raise ServerMissingError("a root of its own needs root, util-linux and iproute2")
        self._made = made
        self._folder = folder
        context = pod["securityContext"]
        self._user, self._group = context["runAsUser"], context["runAsGroup"]
        assert context["fsGroup"] == self._group
        [container] = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        (folder / "work").mkdir(parents=True)
        self._said = folder / "said.json"
        self._said.write_text(
            json.dumps(
                {
                    "work": str(folder / "work"),
                    "checkout": str(ROOT),
                    "readable": [sys.prefix, sys.base_prefix],
                    "volumes": self._all_volumes(pod, *also),
                    "user": self._user,
                    "group": self._group,
                    "folder": "/tmp",
                    "environment": self._environment(container),
                    "command": self._command(container),
                }
            )
        )
        self.log = folder / "log"
        self.first_words = folder / "first words"
        self._process: subprocess.Popen[bytes] | None = None

    def _command(self, container: Object) -> list[str]:
        [program] = container.get("command", ["scalar-tx"])  # the image's entry point
        variables = self._environment(container)
        # As kubelet does: a variable that is not there stays as it is written.
        arguments = [
            re.sub(r"\$\((\w+)\)", lambda found: variables.get(found[1], found[0]), one)
            for one in container["args"]
        ]
        return [python_inside(), "-m", PROGRAMS[program], *arguments]

    def _environment(self, container: Object) -> dict[str, str]:
        found = image_environment()
        for one in container["env"]:
            if "value" in one:
                found[one["name"]] = one["value"]
                continue
            reference = one["valueFrom"]["secretKeyRef"]
            if reference.get("optional") and reference["name"] not in self._secrets():
                continue
            data = self._made.one("Secret", reference["name"])["data"]
            found[one["name"]] = base64.b64decode(data[reference["key"]]).decode()
        return found

    def _secrets(self) -> set[str]:
        return {one["metadata"]["name"] for one in self._made.all("Secret")}

    def _all_volumes(self, *pods: Object) -> list[dict[str, Any]]:
        """Those of all pods; two at the same place are one, with the files of both."""
        found: dict[str, dict[str, Any]] = {}
        for one in (volume for pod in pods for volume in self._volumes(pod)):
            there = found.setdefault(one["path"], one)
            if one["files"] is not None:
                there["files"] = {**(there["files"] or {}), **one["files"]}
        return list(found.values())

    def _volumes(self, pod: Object) -> list[dict[str, Any]]:
        volumes = {one["name"]: one for one in pod["volumes"]}
        [container] = pod["containers"]
        return [
            self._volume(
                volumes[one["name"]], one["mountPath"], read_only=one.get("readOnly", False)
            )
            for one in container["volumeMounts"]
        ]

    def _volume(self, volume: Object, path: str, *, read_only: bool) -> dict[str, Any]:
        files, mode = None, 0o644
        if "configMap" in volume:
            files = self._made.one("ConfigMap", volume["configMap"]["name"])["data"]
        elif "secret" in volume:
            data = self._made.one("Secret", volume["secret"]["secretName"])["data"]
            files = {name: base64.b64decode(one).decode() for name, one in data.items()}
            mode = volume["secret"]["defaultMode"]
        return {"path": path, "files": files, "mode": mode, "read_only": read_only}

    def __enter__(self) -> Self:
        contained = [sys.executable, str(Path(__file__).with_name("contained.py")), str(self._said)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--net", *contained],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        if self._process.poll() is None:
            self._process.kill()  # its workers notice
        self._process.wait(20)
        self._process.stdout.close()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return self._process

    def line(self, seconds: float = SECONDS) -> str:
        """The next line on standard output."""
        stream = self._running.stdout
        assert stream is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            assert selector.select(seconds), self.log.read_text()
        return stream.readline().decode()

    def beside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine where the container's ports are, as kubelet would."""
        enter = ["nsenter", f"--net=/proc/{self._running.pid}/ns/net", *command]
        return subprocess.run(
            enter, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def inside(self, container: Object, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another container's command, with that one's variables, in this one's files."""
        variables = [f"{k}={v}" for k, v in self._environment(container).items()]
        who = [f"--setuid={self._user}", f"--setgid={self._group}"]
        into = [
            "nsenter",
            f"--target={self._running.pid}",
            "--mount",
            "--net",
            "--root",
            "--wd",
            *who,
        ]
        program = list(arguments) or self._command(container)
        return subprocess.run(
            [*into, "env", "-i", *variables, *program],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def probe(self, probe: Object) -> int:
        """What a gRPC probe hears; 0 is yes."""
        asked = [str(probe["grpc"]["port"]), probe["grpc"]["service"], str(probe["timeoutSeconds"])]
        return self.beside(sys.executable, "-m", "tests.kubernetes.grpc_probe", *asked).returncode

    def await_probe(self, probe: Object, answer: int = 0, seconds: float = SECONDS) -> None:
        """Wait until a probe hears that."""
        wait_until(lambda: self.probe(probe) == answer, seconds, self.log)

    def tell_to_end(self) -> None:
        """SIGTERM, as kubelet sends it."""
        self._running.send_signal(signal.SIGTERM)

    def end(self, seconds: float = SECONDS) -> int:
        """The exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(seconds)

    def status(self) -> dict[str, str]:
        """What the kernel says of the process."""
        text = Path(f"/proc/{self._running.pid}/status").read_text()
        return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))


def wait_until(holds: Callable[[], bool], seconds: float, log: Path) -> None:
    """Ask again and again. AssertionError: it did not come true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
