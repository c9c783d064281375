"""What is left of the services' promises when their node is killed under living clients?

One run: a node with the five services, clients of each kind behind a proxy that breaks all
connections now and then, workers that die at a step of a commit, others killed at random, the whole
node killed and started again. Then whoever was leaving leaves for good, what the dead left expires,
and the tables are judged.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_auditor.client import AuditorClient, Tokens
from scalar_auditor.client.tokens import GivenToken, PasswordLogIn
from scalar_auditor.keys import KeyRing
from scalar_auditor.parts import KEYS_FILE
from scalar_auditor.rpc.v1 import audit_pb2
from scalar_auditor.services import NAMES
from scalar_tx.cluster.client.target import target_of
from scalar_tx.settings import load
from tests.chaos import services_crash as crash
from tests.chaos.campaign import EXPIRY_S
from tests.chaos.node_fleet import WHOLE, NodeFleet
from tests.chaos.services_judge import judged
from tests.chaos.services_people import (
    AUDITORS,
    COMMON,
    ITEMS,
    LASTING,
    ORGANIZATION,
    OWNERS,
    PASSWORD,
    RENEWING,
    Admin,
    Held,
    OutsideAuditor,
    Owner,
    Renewing,
)
from tests.chaos.services_places import ADMIN, Stand, on_a_file
from tests.chaos.services_streams import Importer, Registrar, file_named, sha1_of
from tests.chaos.services_told import CountedConnection, Told
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    from scalar_auditor.rpc.v1 import item_pb2

    class Client(Protocol):
        """Does one thing after the other."""

        def step(self) -> None:
            """One thing."""
            ...


TIMEOUT_S: Final = 5.0  # of a call: less than what a dead one has written blocks, so some give up
IMPATIENT_S: Final = 0.02  # a deletion is given up in its midst
PATIENCE_S: Final = 60.0  # of a call when nobody is killed
WARMING_CALLS: Final = 60  # answered before the first kill: all have logged in
CALLS_BETWEEN: Final = 15
LONGEST_BETWEEN_S: Final = 6.0
KILLS_OF_A_NODE: Final = 5  # workers, before the node: pauses before a restart grow with each
CUT_S: Final = 0.1
_CONFLICTS: Final = re.compile(r"^(scalardb_\w*conflict_total\S*) (\S+)$", re.MULTILINE)


@dataclass
class Outcome:
    """What came of a run."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)

    def too_little(self, floors: dict[str, int]) -> list[str]:
        """What did not happen often enough to show anything."""
        return [
            f"{self.counts[name]} {name}, fewer than {least}"
            for name, least in floors.items()
            if self.counts[name] < least
        ]


def floors_of(kills: int) -> dict[str, int]:
    """What must have happened in a run of so many kills."""
    return {
        "kills": kills,
        "whole nodes killed": max(1, kills // (3 * KILLS_OF_A_NODE)),
        "deaths at a step": kills // 6,
        "moments of a commit": max(1, kills // 20),
        "lines cut": kills // 3,
        "answers lost": 2 * kills,
        "unknown answers": max(1, kills // 4),
        "conflicts": kills,
        "views": kills,
        "batches sent": kills,
        "batches sent again": kills,
        "people gone": max(1, kills // 5),
        "deletions resumed": max(1, kills // 20),
        "acknowledged Refresh": max(1, kills // 5),
        "acknowledged RegisterItem": max(1, kills // 3),
        "acknowledged": 15 * kills,
    }


class ServicesCampaign:
    """One run; the seed draws the plan, the machine deals the timing.

    ``pace``: how many times longer than usual it is from one kill to the next. ``planted``: a
    mistake of ``services_planted`` that the run has to notice.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        say: Callable[[str], None] = lambda _: None,
        *,
        where: Callable[[Path], Stand] = on_a_file,
        pace: float = 1.0,
        planted: str | None = None,
    ) -> None:
        self._folder, self._seed, self._say, self._pace = folder, seed, say, pace
        self._dice = random.Random(seed)
        self._stand = where(folder)
        self._told = Told()
        self._keys = KeyRing.made("chaos")
        keys_file = folder / "keys.json"
        keys_file.write_text(self._keys.as_text())
        services = [f"scalar_auditor.services:{name}" for name in NAMES]
        services.append(crash.OFFER)
        if planted is not None:
            services.append(f"tests.chaos.services_planted:{planted}")
        self._fleet = NodeFleet(
            folder,
            self._stand.properties,
            self._dice,
            workers=2,
            every_step=True,
            options=("--services", ",".join(services), "--dev"),
            environment={KEYS_FILE: str(keys_file), crash.ENVIRONMENT: str(folder)},
        )
        self._conflicts: Counter[tuple[str, str]] = Counter()
        self._cuts = 0

    def run(self, kills: int) -> Outcome:
        """So many kills at least, and more until transactions have met, which no plan can order."""
        told, outcome = self._told, Outcome()
        with self._fleet as fleet:
            port = int(fleet.url.rpartition(":")[2])
            self._direct = fleet.url
            with Proxy("127.0.0.1", port) as proxy:
                self._url = f"grpc://{proxy.endpoint}"
                token = self._furnish()
                with ExitStack() as clients, _Load(self._crew(token, clients), told):
                    self._kill(proxy, kills)
            self._let_them_leave()
        time.sleep(EXPIRY_S)
        outcome.wrong = judged(self._stand.target, self._keys, told)
        outcome.wrong += [f"a traceback in {log}" for log in fleet.tracebacks()]
        outcome.steps = Counter(crash.crashes(self._folder))
        outcome.refusals = told.refusals
        outcome.counts = told.counts + Counter(
            {
                "kills": self._kills(),
                "whole nodes killed": sum(hit.node == WHOLE for hit in fleet.hits),
                "deaths at a step": outcome.steps.total(),
                "moments of a commit": len(outcome.steps),
                "lines cut": self._cuts,
                "conflicts": self._conflicts.total(),
                "views": sum(told.views.values()),
                "people gone": len(told.left),
            }
        )
        return outcome

    def _kills(self) -> int:
        return len(self._fleet.hits) + len(crash.crashes(self._folder))

    def _client(self, tokens: Tokens, url: str, timeout: float) -> AuditorClient:
        return AuditorClient(CountedConnection(self._told, target_of(load(url)), tokens, timeout))

    def _furnish(self) -> str:
        """People, a set and a group of everybody, and items; the token of a service."""
        with self._client(
            PasswordLogIn(ADMIN, self._stand.admin_password), self._direct, PATIENCE_S
        ) as admin:
            admin.identity.create_organization(name="chaos", org_id=ORGANIZATION)
            people = dict.fromkeys((*OWNERS, RENEWING), "GENERAL_USER")
            for email, role in {**people, **dict.fromkeys(AUDITORS, "EXTERNAL_AUDITOR")}.items():
                admin.identity.register_user(
                    user_email=email, name=email, password=PASSWORD, roles=[role]
                )
            token = admin.identity.create_service_token(name="chaos").token
            with self._client(GivenToken(token), self._direct, PATIENCE_S) as service:
                service.item.upsert_item(_folder(COMMON))
                for item_id in ITEMS:
                    service.item.upsert_item(file_named(item_id, 1))
                    service.verification.register_item(
                        item_id=item_id, sha1_hash=sha1_of(item_id), version_id="1"
                    )
            admin.audit.create_audit_set(name=COMMON, audit_set_id=COMMON)
            admin.audit.add_items(audit_set_id=COMMON, item_ids=LASTING)
            admin.audit.create_audit_group(name=COMMON, audit_group_id=COMMON)
            admin.audit.link_audit_set(audit_group_id=COMMON, audit_set_id=COMMON)
            for emails, role in ((OWNERS, "MEMBER"), (AUDITORS, "REVIEWER")):
                admin.audit.add_collaborators(
                    audit_set_id=COMMON,
                    collaborators=[_collaborator(email, role) for email in emails],
                )
        return token

    def _crew(self, token: str, clients: ExitStack) -> list[Client]:
        def client(tokens: Tokens, timeout: float = TIMEOUT_S) -> AuditorClient:
            made = self._client(tokens, self._url, timeout * self._pace)
            return clients.enter_context(made)

        def dice(name: str) -> random.Random:
            return random.Random(f"{self._seed} {name}")

        told, service = self._told, GivenToken(token)
        admin, held = PasswordLogIn(ADMIN, self._stand.admin_password), Held()
        return [
            *(Owner(client(PasswordLogIn(o, PASSWORD)), told, dice(o), o) for o in OWNERS),
            *(
                OutsideAuditor(client(PasswordLogIn(a, PASSWORD)), told, dice(a), a)
                for a in AUDITORS
            ),
            Admin(client(admin), told, dice("admin"), client(admin, IMPATIENT_S)),
            Renewing(client(held), told, held),
            *(Importer(client(service), told, dice(one), one) for one in ("one", "other")),
            Registrar(client(service), told, dice("registrar"), client(admin)),
        ]

    def _kill(self, proxy: Proxy, kills: int) -> None:
        self._let_them_work(WARMING_CALLS)
        (self._folder / crash.ALLOWED).touch()
        since = 0
        while self._kills() < kills or self._too_few_have_met(kills):
            self._let_them_work(CALLS_BETWEEN)
            self._count_conflicts()
            self._cut(proxy)
            self._let_them_work(CALLS_BETWEEN)
            if self._kills() - since < KILLS_OF_A_NODE:
                self._fleet.kill_worker()
                continue
            self._fleet.kill_node(0)
            self._fleet.start(0)
            since = self._kills()
            self._say(f"{since} of {kills} kills, {self._told.counts['acknowledged']} calls")
        (self._folder / crash.ALLOWED).unlink()
        time.sleep(self._pace * 2)
        self._count_conflicts()

    def _too_few_have_met(self, kills: int) -> bool:
        """Whether there is more to wait for; after twice the kills the floor judges."""
        met = self._conflicts.total()
        return met < floors_of(kills)["conflicts"] and self._kills() < 2 * kills

    def _let_them_work(self, calls: int) -> None:
        """Until so many more calls are answered, or a while: the dead may be in everybody's way."""
        wanted = self._told.counts["acknowledged"] + calls
        ends_at = time.monotonic() + LONGEST_BETWEEN_S * self._pace
        time.sleep(self._pace * self._dice.uniform(0.1, 0.5))
        while self._told.counts["acknowledged"] < wanted and time.monotonic() < ends_at:
            time.sleep(self._dice.uniform(0.01, 0.05))

    def _cut(self, proxy: Proxy) -> None:
        """All connections break, and what was under way on them is answered to nobody."""
        proxy.cut()
        time.sleep(CUT_S)
        proxy.heal()
        self._cuts += 1

    def _count_conflicts(self) -> None:
        """What the node has counted since its supervisor began, so far."""
        node = self._fleet.node()
        for series, number in _CONFLICTS.findall(node.text("/metrics")[1]):
            key = (str(node.log_file), series)
            self._conflicts[key] = max(self._conflicts[key], int(float(number)))

    def _let_them_leave(self) -> None:
        """Whoever has begun to leave can be let go, wherever it broke off."""
        with self._client(
            PasswordLogIn(ADMIN, self._stand.admin_password), self._direct, PATIENCE_S
        ) as client:
            admin = Admin(client, self._told, self._dice, client)
            for email in sorted(self._told.leaving - self._told.left):
                admin.delete(email, client)
                if email not in self._told.left and not _is_gone(client, email):
                    self._told.odd.append(f"the deletion of {email} can't be resumed")
                self._told.left.add(email)
                self._told.count("deletions resumed")


def _is_gone(client: AuditorClient, email: str) -> bool:
    users = client.identity.list_users(org_id=ORGANIZATION)
    return all(user.user_email != email for user in users)


def _folder(item_id: str) -> item_pb2.Item:
    folder = file_named(item_id, 1)
    folder.item_type, folder.parent_id, folder.sha1_hash = "FOLDER", "", ""
    return folder


def _collaborator(email: str, role: str) -> audit_pb2.NewCollaborator:
    return audit_pb2.NewCollaborator(user_email=email, role=role)


class _Load:
    """A context: each client in a thread, until its end."""

    def __init__(self, crew: list[Client], told: Told) -> None:
        self._told = told
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(one,)) for one in crew]

    def _work(self, client: Client) -> None:
        while not self._over.is_set():
            try:
                client.step()
            except Exception as error:  # noqa: BLE001  # told at the end; the others go on
                self._told.odd.append(f"{type(client).__name__}: {error!r}")
                return

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
