"""Identity behind a real server, with a clock that tests move, and people who log in for real."""

from __future__ import annotations

import asyncio
import functools
import uuid
from typing import TYPE_CHECKING, Any, Self

from scalar_auditor.identity import accounts, log_ins
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.identity.log_ins import new_pair
from scalar_auditor.identity.model import User
from scalar_auditor.identity.serving import Identity
from scalar_auditor.permissions import Role
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.passwords import PasswordHashing
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_auditor.keys import KeyRing
    from scalar_auditor.parts import Access
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction
    from tests.services.stage import Calls

ADMIN = "root@example.org"
ADA = "ada@example.org"
BOB = "bob@example.org"
PASSWORD = "a password that is long enough"
OTHER = "another password, long enough"
WRONG = "a password that is not it"
MINUTE = 60.0
TABLES = (
    "user",
    "users_by_org",
    "role_user",
    "user_token",
    "user_otp",
    "user_audit_group",
    "organization",
)


class Clock:
    """Wall clock and monotonic clock in one."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def elapsed(self) -> float:
        return self.seconds


class Mailbox:
    """Takes codes, as a mail server would."""

    def __init__(self) -> None:
        self.codes: list[tuple[str, str, int]] = []

    async def send(self, user_email: str, code: str, minutes: int) -> None:
        self.codes.append((user_email, code, minutes))


class World:
    """The stage, its clock and its mail.

    ``claims``: callers say who they are, instead of logging in.
    """

    def __init__(
        self,
        target: str = "memory://",
        *,
        claims: bool = False,
        sender: Any = "mailbox",
        refused_after: float = 0.0,
        a_second: int = 100_000,
        keys: KeyRing | None = None,
    ) -> None:
        self.clock = Clock()
        self.mailbox = Mailbox()
        self._sender = self.mailbox if sender == "mailbox" else sender
        self._refused_after = refused_after
        self._a_second = a_second
        self.identity: Identity
        self.stage = Stage(
            target,
            names=("identity",),
            access=self._made,
            more=lambda name: (self.identity,),
            now_ms=self.clock.now_ms,
            keys=keys,
        )
        if claims:
            from tests.services.stage import ClaimedCallers

            object.__setattr__(self.stage.auditor, "access", ClaimedCallers())
        self._admin: Calls | None = None
        self.nobody = self.stage.as_nobody()

    def _made(self, manager: AsyncTransactionManager, keys: KeyRing) -> Access:
        self.identity = self.another_worker(manager)
        return self.identity.access

    def another_worker(self, manager: AsyncTransactionManager) -> Identity:
        return Identity(
            manager,
            limits=LogInLimits(a_second=self._a_second, elapsed=self.clock.elapsed),
            code_limits=LogInLimits(a_second=self._a_second, elapsed=self.clock.elapsed),
            sender=self._sender,
            now_ms=self.clock.now_ms,
            elapsed=self.clock.elapsed,
            refused_after=self._refused_after,
        )

    @property
    def admin(self) -> Calls:
        """An AUDIT_ADMIN."""
        if self._admin is None:
            self._admin = self.register(ADMIN, "AUDIT_ADMIN")
        return self._admin

    def log_in(self, email: str, password: str = PASSWORD) -> Calls:
        return self.stage.with_token(self.tokens(email, password).access_token)

    def tokens(self, email: str, password: str = PASSWORD) -> Any:
        return self.nobody.Login(user_email=email, password=password)

    def register(self, email: str, *roles: str, org_id: str = "") -> Calls:
        """Somebody with an account, logged in: as the methods do it, without their two hashes."""
        now = self.clock.now_ms()
        user = User(
            user_email=email,
            user_id=uuid.uuid4().hex,
            name="Somebody",
            password_hash=KeptPassword.new(hash_of_password()).column,
            user_type="INTERNAL",
            status="ACTIVE",
            language="",
            org_id=org_id,
            failed_logins=0,
            locked_until=0,
            created_at=now,
            updated_at=now,
        )
        given = [Role(role) for role in roles or ("GENERAL_USER",)]
        pair = new_pair(email)

        async def work(tx: AsyncTransaction) -> None:
            await accounts.register(tx, user, given, "test")
            await log_ins.begin(tx, user, pair, now)

        self.stage.run(self.stage.manager.run(work))
        return self.stage.with_token(pair.access.text)

    def code_for(self, email: str) -> str:
        """Ask for a code, and read the mail."""
        before = len(self.mailbox.codes)
        self.nobody.RequestPasswordReset(user_email=email)
        self.settled()
        assert len(self.mailbox.codes) == before + 1
        to, code, _ = self.mailbox.codes[-1]
        assert to == email
        return code

    def settled(self) -> None:
        """Wait for what goes on behind answers."""

        async def wait() -> None:
            await asyncio.gather(*self.identity._later, return_exceptions=True)

        self.stage.run(wait())

    def later(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def contents(self) -> dict[str, Any]:
        """All that is on record."""
        return {table: sorted(map(repr, self.stage.rows(f"identity.{table}"))) for table in TABLES}

    def close(self) -> None:
        self.stage.run(self.identity.close())
        self.stage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def hash_of_password() -> str:
    """Of ``PASSWORD``: made once, since it takes a while."""

    async def made() -> str:
        hashing = PasswordHashing()
        try:
            return await hashing.hashed(PASSWORD)
        finally:
            await hashing.close()

    return asyncio.run(made())


def refusal(call: Callable[[], Any]) -> Refused:
    """How a call was refused."""
    try:
        answer = call()
    except Refused as refused:
        return refused
    raise AssertionError(f"it was not refused: {answer}")
