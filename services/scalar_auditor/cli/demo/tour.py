"""What does the tour of the services show, step by step?

Every step is a command that is printed, run in a process of its own, and judged by its exit code.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from scalar_auditor.cli.calling import TOKEN
from scalar_auditor.cli.credentials import PLACE
from scalar_auditor.cli.demo.running_node import running_node
from scalar_auditor.parts import KEYS_FILE
from scalar_auditor.sample import Sample, Size
from scalar_auditor.schema_files import schema_files
from scalar_tx.errors import InvalidOperationError, ScalarTxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from scalar_tx.model.types import Value

ADMIN: Final = "ada@example.org"
TARGET: Final = "sqlite:///auditor.db"
FOUND_SOMETHING: Final = 1  # the exit code of a command that looks for what was altered
WATCH_SECONDS: Final = 20.0
WATCH_BEGINS_SECONDS: Final = 2.0


class TourEndedError(ScalarTxError):
    """A step was not as it has to be, and the next ones build on it."""

    default_code = "STX-5315"
    default_advice = "Take the tour with --keep FOLDER, and look at node.log in it"


@contextmanager
def place(keep: str | None) -> Iterator[Path]:
    """The folder of the tour. InvalidOperationError: one that is to be kept is there already."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="scalar-auditor-demo-") as made:
            yield Path(made)
        return
    folder = Path(keep).resolve()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InvalidOperationError(
            f"{folder} can't be made: {error.strerror}", advice="Name a folder that is not there"
        ) from error
    yield folder


class Tour:
    """The tour, in a folder of its own."""

    def __init__(self, screen: Console, folder: Path, *, items: int, events: int) -> None:
        self._screen = screen
        self._folder = folder
        self._size = Size(items=items, events=events, sets=3, users=10)
        self._server = ""
        self._broken: list[str] = []

    def run(self) -> bool:
        """Take it; was everything as the services promise?"""
        began = time.monotonic()
        self._prepare()
        with running_node(self._folder, TARGET, self._environment()) as self._server:
            self._say(f"A node with the five services listens at {self._server}")
            self._load()
            audit_set, items = self._look()
            self._let_somebody_else_look(audit_set)
            self._alter(audit_set, items[1])
            self._watch(audit_set, items[0])
        self._say("The database itself, asked without the node: only what was altered is found")
        self._auditor("check", "--config", TARGET, ends_with=FOUND_SOMETHING, lines=12)
        self._close(time.monotonic() - began)
        return not self._broken

    def _prepare(self) -> None:
        self._say("Keys that sign: in a file, never in the database")
        self._auditor("keys", "new", "scalar_auditor_keys.json")
        self._say("The tables of the five namespaces")
        files = [str(one) for one in schema_files()]
        words = ["schema", "apply", "--coordinator", "--config", TARGET]
        shown = shlex.join(["scalar-tx", *words]) + " $(scalar-auditor tables)"
        self._command("scalar_tx", [*words, *files], shown=shown, lines=1)
        self._say("The first administrator; the password is shown once")
        made = json.loads(self._auditor("admin", ADMIN, "--config", TARGET, "--json", lines=0))
        self._keep_secret("password", made["password"])
        self._keep_secret("people", secrets.token_urlsafe(24))

    def _load(self) -> None:
        self._say("She logs in, and loads a sample: people, files, events, audit sets")
        self._auditor("login", ADMIN, "--server", self._server, "--password-file", "password")
        size = [f"--{name}={getattr(self._size, name)}" for name in ("items", "events", "sets")]
        size += [f"--users={self._size.users}", "--people-password-file", "people"]
        self._auditor("sample", *size)

    def _look(self) -> tuple[str, list[str]]:
        """Look at what is there; returns a set and its items."""
        self._say("She makes an audit set of three files, and looks at what is known of them")
        self._auditor("whoami")
        made = self._auditor("sets", "create", "A first audit", "--json", lines=0)
        audit_set = str(json.loads(made)["audit_set_id"])
        items = next(Sample(self._size, 0).sets()).items[:3]
        self._auditor("sets", "add-items", audit_set, *items)
        self._auditor("sets", "list")
        self._auditor("sets", "items", audit_set)
        self._auditor("items", "path", items[1], "--set", audit_set)
        self._auditor("items", "events", items[1], "--set", audit_set)
        self._say("Was anything altered? Nothing was; the heads of all histories are put aside")
        self._auditor("verify-set", audit_set)
        self._auditor("anchor", "heads.json", "--config", TARGET)
        return audit_set, items

    def _let_somebody_else_look(self, audit_set: str) -> None:
        self._say("An outside auditor looks at the set, and that is put on record")
        auditor = Sample(self._size, 0).people()[-1].email
        self._auditor("sets", "add-person", audit_set, auditor, "REVIEWER")
        own = {PLACE: str(self._folder / "theirs.json")}
        words = ("--server", self._server, "--password-file", "people")
        self._auditor("login", auditor, *words, environment=own)
        self._auditor("sets", "items", audit_set, environment=own, lines=1)
        self._auditor("sets", "log", audit_set)

    def _alter(self, audit_set: str, item: str) -> None:
        self._say("Somebody who may write to the database alters what is registered of a file")
        with scalar_tx.connect(f"sqlite:///{self._folder}/auditor.db") as db:
            row: dict[str, Value] = {"item_id": item, "asset_version": 1}
            tables = db.admin.tables("verification")
            history = next(name for name in tables if name.endswith("history"))
            db.update(history, row, {"sha1_hash": "0" * 40})
        self._screen.print(f"  {history} of {item}: another sha1_hash")
        self._say("Who has no key can't sign it: it is found, again and again")
        self._auditor("verify", item, "--set", audit_set, ends_with=FOUND_SOMETHING)
        self._auditor("verify-set", audit_set, ends_with=FOUND_SOMETHING)

    def _watch(self, audit_set: str, item: str) -> None:
        self._say("An importer takes in a recorded stream of BOX; who watches the set sees it")
        made = self._auditor("users", "service-token", "create", "importer", "--json", lines=0)
        (self._folder / "box.json").write_text(json.dumps(_recorded(item)), encoding="utf-8")
        words = ["events", "watch", "--set", audit_set]
        self._shown(f"{shlex.join(['scalar-auditor', *words])} &")
        with subprocess.Popen(  # noqa: S603  # nothing in it is from outside
            self._called("scalar_auditor", words),
            cwd=self._folder,
            env={**os.environ, **self._environment()},
            stdout=subprocess.PIPE,
            text=True,
        ) as watching:
            timer = threading.Timer(WATCH_SECONDS, watching.kill)
            timer.start()
            time.sleep(WATCH_BEGINS_SECONDS)
            token = {TOKEN: json.loads(made)["token"]}
            self._auditor("import", "box.json", "--user", "17", environment=token)
            line = "" if watching.stdout is None else watching.stdout.readline()
            timer.cancel()
            watching.terminate()
        self._screen.print(f"  {line.rstrip()}", markup=False, soft_wrap=True)
        if item not in line:
            self._broken.append("the event that was imported was not seen by who watches")
        today = ("--from", _day(), "--set", audit_set, "--limit", "3")
        self._auditor("events", "query", *today)

    def _close(self, seconds: float) -> None:
        for one in self._broken:
            self._screen.print(f"[red]Not as promised:[/red] {one}")
        if not self._broken:
            self._say(f"All of it was as promised, in {seconds:.0f} s. What comes next")
            self._screen.print(
                "  scalar-auditor --help     every command\n"
                "  docs/auditor.md           run the services, roles, backups\n"
                "  docs/tamper-evidence.md   what is found, and what can't be",
                highlight=False,
            )

    # How a step is taken

    def _say(self, text: str) -> None:
        self._screen.print(f"\n[bold]{text}[/bold]")

    def _shown(self, command: str) -> None:
        self._screen.print(f"$ {command}", style="cyan", markup=False, soft_wrap=True)

    def _auditor(self, *words: str, **how: Any) -> str:
        return self._command("scalar_auditor", words, **how)

    def _command(
        self,
        module: str,
        words: Sequence[str],
        *,
        shown: str | None = None,
        ends_with: int = 0,
        lines: int = 8,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command, print it and its first lines; what it printed."""
        self._shown(shown or shlex.join([module.replace("_", "-"), *words]))
        done = subprocess.run(  # noqa: S603  # nothing in it is from outside
            self._called(module, words),
            cwd=self._folder,
            env={**os.environ, **self._environment(), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout.splitlines() if lines else []
        for line in told[:lines]:
            self._screen.print(f"  {line}", markup=False, soft_wrap=True)
        if len(told) > lines:
            self._screen.print(f"  … {len(told) - lines} lines more")
        if done.returncode != ends_with:
            self._screen.print(done.stderr, markup=False)
            self._broken.append(f"{shlex.join(words[:3])} … ended with {done.returncode}")
            raise TourEndedError(self._broken[-1])
        return done.stdout

    def _called(self, module: str, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", module, *words]

    def _environment(self) -> dict[str, str]:
        """No command of the tour uses or touches the log-ins of whoever takes it."""
        return {
            PLACE: str(self._folder / "credentials.json"),
            KEYS_FILE: str(self._folder / "scalar_auditor_keys.json"),
        }

    def _keep_secret(self, name: str, text: str) -> None:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_text(f"{text}\n", encoding="utf-8")


def _recorded(item: str) -> dict[str, Any]:
    """An answer of BOX to GET /2.0/events."""
    event = {
        "event_id": "1f6c0a7e",
        "event_type": "ITEM_DOWNLOAD",
        "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "created_by": {"id": "17", "login": "bob@example.org"},
        "source": {"item_type": "file", "item_id": item, "item_name": "a file of the audit"},
    }
    return {"chunk_size": 1, "next_stream_position": 1, "entries": [event]}


def _day() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
