"""How safe are the data in this cluster, and does it keep what transactions rest on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.finding import Examination, Finding, Verdict
from scalar_tx.storage.cassandra.catalog import Catalog
from scalar_tx.storage.cassandra.clock import clock_ahead_ms
from scalar_tx.storage.cassandra.session import ONE, Session
from scalar_tx.storage.cassandra.settings import cassandra_settings
from scalar_tx.storage.cassandra.statements import Statement
from scalar_tx.storage.cassandra.storage import Blocking

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from scalar_tx.model.storage_settings import StorageSettings

T = TypeVar("T")

# A table of Cassandra 4.0 and later.
_SETTINGS: Final = (
    "SELECT name, value FROM system_views.settings WHERE name IN ('commitlog_sync','paxos_variant')"
)
_MAJORITY: Final = 3  # replicas from which on one may be missing
_DROPPED: Final = frozenset({"class"})


def examine(settings: StorageSettings) -> Examination:
    """The state of the cluster; nothing is changed. SettingsError: a property is wrong."""
    session = Session(cassandra_settings(settings), Blocking())
    try:
        return _finished(_examination(session))
    except (StorageUnavailableError, StorageBusyError, ReplyLostError) as error:
        advice = getattr(error, "advice", None) or "Try again"
        text = getattr(error, "message", str(error))
        return Examination((Finding("cluster", Verdict.BAD, text, advice),))
    finally:
        _finished(session.close())


def _finished(steps: Coroutine[Any, Any, T]) -> T:
    """Run steps that block and never suspend."""
    try:
        steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    steps.close()
    raise AssertionError("an examination must not suspend")


async def _examination(session: Session) -> Examination:
    hosts, known = await session.hosts(), await session.known_hosts()
    clocks = [await clock_ahead_ms(session, host) for host in hosts]
    findings = [_nodes(hosts, elsewhere=len(known) - len(hosts))]
    keyspaces = await Catalog(session).keyspaces()
    replications = {
        name: one for name, one in sorted(keyspaces.items()) if not name.startswith("system")
    }
    single = min((factor_of(one) for one in replications.values()), default=1) < _MAJORITY
    for host in hosts:
        values = await _settings_of(session, host)
        place = f"node {host.address}" if len(hosts) > 1 else "the node"
        findings += [
            durability(place, values.get("commitlog_sync"), few_replicas=single),
            paxos(place, values.get("paxos_variant")),
        ]
    centers = {str(host.datacenter) for host in known}
    findings += [
        replication(name, one, nodes=len(known), centers=centers)
        for name, one in replications.items()
    ]
    return Examination(tuple(findings), clock_ahead_ms=max(clocks, key=abs, default=None))


def _nodes(hosts: Sequence[Any], *, elsewhere: int) -> Finding:
    words = ", ".join(
        f"{host.address} ({host.release_version}, {host.datacenter})" for host in hosts
    )
    others = f"; not asked: {elsewhere} in other data centers" if elsewhere else ""
    return Finding("cluster", Verdict.GOOD, f"{len(hosts)} of its nodes up: {words}{others}")


async def _settings_of(session: Session, host: Any) -> dict[str, str]:
    try:
        answer = await session.read(Statement(_SETTINGS), ONE, "system_views.settings", host=host)
    except InvalidOperationError:
        return {}  # before Cassandra 4.0 they can't be asked for
    return {(name or b"").decode(): (value or b"").decode() for name, value in answer.rows}


def durability(place: str, mode: str | None, *, few_replicas: bool) -> Finding:
    """What a node's commit log keeps when its process is killed or the power fails."""
    subject = "durability"
    if mode is None:
        return Finding(
            subject,
            Verdict.NOTE,
            f"{place} does not tell its commitlog_sync",
            "See that cassandra.yaml has commitlog_sync: batch or group",
        )
    if mode in ("batch", "group"):
        text = f"{place} has commitlog_sync: {mode}: what it acknowledged is on its disk"
        return Finding(subject, Verdict.GOOD, text)
    text = (
        f"{place} has commitlog_sync: {mode}: it acknowledges before its disk has the write. "
        "A killed node was seen to lose the conditional writes of its last moments, decisions of "
        "transactions among them"
    )
    advice = "Set commitlog_sync: batch (or group) in cassandra.yaml and restart the node"
    if few_replicas:
        return Finding(subject, Verdict.BAD, f"{text}; no other replica need have them", advice)
    return Finding(
        subject, Verdict.WARNING, f"{text}; safe only while no majority fails at once", advice
    )


def paxos(place: str, variant: str | None) -> Finding:
    """Which protocol a node's conditional writes follow."""
    subject = "conditional writes"
    if variant is None:
        return Finding(subject, Verdict.NOTE, f"{place} does not tell its paxos_variant: v1")
    if "without_linearizable" in variant:
        return Finding(
            subject,
            Verdict.BAD,
            f"{place} has paxos_variant: {variant}: reads and refusals may rest on old values",
            "Set paxos_variant: v2 (or v1) on all nodes",
        )
    if variant == "v2":
        return Finding(subject, Verdict.GOOD, f"{place} has paxos_variant: {variant}")
    return Finding(
        subject,
        Verdict.NOTE,
        f"{place} has paxos_variant: {variant}: a conditional write takes four round trips among "
        "the replicas, and is not proof against nodes being added or removed meanwhile",
        "Set paxos_variant: v2 on all nodes (Cassandra 4.1 and later), and repair Paxos regularly",
    )


def factor_of(replication: Mapping[str, str]) -> int:
    """How many replicas a keyspace has; of several data centers the fewest."""
    # "3/1" is three of which one is transient.
    factors = [value for name, value in replication.items() if name not in _DROPPED]
    counts = [int(value.partition("/")[0]) for value in factors if value[:1].isdecimal()]
    return min(counts, default=0)


def replication(keyspace: str, one: Mapping[str, str], *, nodes: int, centers: set[str]) -> Finding:
    """What becomes of a keyspace when a node fails."""
    subject = f"replication of {keyspace}"
    factor = factor_of(one)
    advice = (
        f"ALTER KEYSPACE {keyspace} WITH REPLICATION = "
        "{'class':'NetworkTopologyStrategy','" + min(centers, default="dc1") + "':'3'}, "
        "then nodetool repair"
    )
    if one.get("class", "").endswith("NetworkTopologyStrategy"):
        lost = sorted(set(one) - _DROPPED - centers)
        if lost:
            return Finding(
                subject,
                Verdict.BAD,
                f"it has replicas in {', '.join(lost)}, where no node is up",
                advice,
            )
    if factor < 1:
        return Finding(subject, Verdict.NOTE, f"{dict(one)} has no number of replicas")
    if factor > nodes:
        return Finding(
            subject,
            Verdict.WARNING if factor // 2 + 1 <= nodes else Verdict.BAD,
            f"{factor} replicas, but {nodes} nodes up: a majority is {factor // 2 + 1}",
            "Start the missing nodes",
        )
    if factor >= _MAJORITY:
        return Finding(subject, Verdict.GOOD, f"{factor} replicas: any one of them may fail")
    if factor == 1:
        text = "1 replica: while its node is down its records can be neither read nor written"
    else:
        text = f"{factor} replicas: a majority is both of them, so none may fail"
    return Finding(subject, Verdict.WARNING, text, advice)
