"""All five services with real log-ins, over a file, and the command line that calls them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from typer.testing import CliRunner

from scalar_auditor.cli import app
from scalar_auditor.cli.calling import TOKEN
from scalar_auditor.cli.credentials import PLACE
from scalar_auditor.client import connect
from scalar_auditor.identity.first_admin import make_first_admin
from scalar_auditor.identity.serving import Identity
from scalar_auditor.parts import KEYS_FILE
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from tests.services.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_auditor.client import AuditorClient
    from scalar_auditor.keys import KeyRing
    from scalar_auditor.parts import Access
    from scalar_tx.manager_async import AsyncTransactionManager

ADMIN = "root@example.org"
ADA = "ada@example.org"
AUDITOR = "eve@example.org"
PASSWORD = "a password that is long enough"


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class World:
    """The services over ``folder/auditor.db``; commands keep their log-ins in the folder too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = f"sqlite:///{folder}/auditor.db"
        self.identity: Identity
        self.stage = Stage(self.config, access=self._made, more=self._more)
        self.keys_file = folder / "keys.json"
        self.keys_file.write_text(self.stage.keys.as_text())
        self.server = f"grpc://127.0.0.1:{self.stage.port}"
        self.admin_password: str = self.stage.run(make_first_admin(self.stage.manager, ADMIN))
        self.password_file = folder / "password"
        self.password_file.write_text(f"{PASSWORD}\n")
        self.variables = {
            PLACE: str(folder / "credentials.json"),
            KEYS_FILE: str(self.keys_file),
            "NO_COLOR": "1",
        }

    def _more(self, name: str) -> tuple[Any, ...]:
        return (self.identity,) if name == "identity" else ()

    def _made(self, manager: AsyncTransactionManager, keys: KeyRing) -> Access:
        self.identity = Identity(
            manager, limits=LogInLimits(a_second=100_000), sender=None, refused_after=0.0
        )
        return self.identity.access

    def client(self, email: str = ADMIN, password: str = "") -> AuditorClient:
        return connect(self.server, email=email, password=password or self.admin_password)

    def client_with(self, token: str) -> AuditorClient:
        return connect(self.server, token=token)

    def command(self, *words: str, token: str | None = None, given: str = "") -> Answer:
        variables = {**self.variables, **({} if token is None else {TOKEN: token})}
        done = CliRunner(env=variables).invoke(app, list(words), input=given)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Answer(done.exit_code, done.stdout, done.stderr)

    def ok(self, *words: str, token: str | None = None) -> str:
        answer = self.command(*words, token=token)
        assert answer.code == 0, (words, answer)
        return answer.out

    def log_in(self, email: str = ADMIN) -> None:
        file = self.folder / "own"
        file.write_text(self.admin_password if email == ADMIN else PASSWORD)
        self.ok("login", email, "--server", self.server, "--password-file", str(file))

    def service_token(self, name: str = "importer") -> str:
        made = json.loads(self.ok("users", "service-token", "create", name, "--json"))
        return str(made["token"])

    def close(self) -> None:
        self.stage.run(self.identity.close())
        self.stage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
