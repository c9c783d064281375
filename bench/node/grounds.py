"""Where do the records of a measurement lie, how do they come there, and were all written?

They are loaded by the database itself, with ScalarDB's transaction columns: a million through
transactions would take longer than all that is measured.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

import scalar_tx
from bench.beside import agreement, places, ycsb
from bench.beside.places import FULL_SYNC, SQLITE
from bench.node.messages import COUNT, COUNTER_COLUMNS, COUNTER_KEY, COUNTER_RECORDS, COUNTERS
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.beside.tally import Tally
    from tests.servers.node import Cluster

TABLE: Final = ycsb.TABLES[0]
# Pieces of a text, as ycsb.payload has them, but drawn by the record's number.
_PIECES: Final = len(ycsb.TEXT) - ycsb.SIZE
_INSERT: Final = (
    'INSERT INTO {table}("ycsb_key","payload","tx_id","tx_state","tx_version",'
    '"tx_prepared_at","tx_committed_at") '
    "SELECT n,'l'||substr({text},1+n%{pieces},{size}),'loaded',3,1,1,1 FROM {numbers}"
)
_VERSIONS: Final = (
    'SELECT sum("tx_version"),count(*),count(*) FILTER (WHERE "tx_state"<>3) FROM {table}'
)


@dataclass
class Ground:
    """Records of ``ycsb-f-1`` at a place; ``properties`` are what a node is given, or anybody."""

    place: places.Place
    records: int

    @property
    def properties(self) -> dict[str, str]:
        """Where it is."""
        return dict(self.place.ours)

    def load(self) -> None:
        """Make the tables and the records anew."""
        with scalar_tx.connect(self.properties) as db:
            db.admin.create_coordinator_tables(if_not_exists=True)
            db.admin.drop_table(TABLE, if_exists=True)
            db.admin.create_table(TABLE, columns=ycsb.COLUMNS, partition_key=[ycsb.KEY])
        if self.place.name == SQLITE:
            self._load_file()
        else:
            self._load_server()

    def versions(self) -> int:
        """How many versions the records have had, that of loading too.

        DisagreementError: one is missing, or not settled.
        """
        versions, records, unsettled = self._row(_VERSIONS)
        if (records, unsettled) != (self.records, 0):
            raise agreement.DisagreementError(
                f"{records} records of {self.records}, {unsettled} of them not settled"
            )
        return int(versions)

    def _load_file(self) -> None:
        numbers = (
            f"(WITH RECURSIVE numbers(n) AS (VALUES(0) UNION ALL "  # noqa: S608  # an int
            f"SELECT n+1 FROM numbers WHERE n<{self.records - 1}) SELECT n FROM numbers)"
        )
        with closing(sqlite3.connect(self._file, isolation_level=None)) as file:
            # A file that nobody else has open, and that is thrown away if this fails.
            file.execute("PRAGMA journal_mode=OFF")
            file.execute("PRAGMA synchronous=OFF")
            file.execute(self._insert("?", numbers), (ycsb.TEXT,))
            file.execute("PRAGMA journal_mode=WAL")

    def _load_server(self) -> None:
        numbers = f"generate_series(0,{self.records - 1}) AS n"
        with self._session() as session:
            session.execute(self._insert("%s::text", numbers).replace("n%", "n%%"), (ycsb.TEXT,))
            session.execute(f"VACUUM (ANALYZE) {self._table}")  # not in the middle of a turn
            session.execute("CHECKPOINT")

    def _insert(self, text: str, numbers: str) -> str:
        size = ycsb.SIZE - 1
        return _INSERT.format(
            table=self._table, text=text, pieces=_PIECES, size=size, numbers=numbers
        )

    def _row(self, query: str) -> tuple[Any, ...]:
        query = query.format(table=self._table)
        if self.place.name == SQLITE:
            with closing(sqlite3.connect(self._file)) as file:
                found = file.execute(query).fetchone()
        else:
            with self._session() as session:
                found = session.execute(query.encode()).fetchone()
        assert found is not None
        return tuple(found)

    @property
    def _table(self) -> str:
        namespace, _, name = TABLE.partition(".")
        return f'"{namespace}${name}"' if self.place.name == SQLITE else f'"{namespace}"."{name}"'

    @property
    def _file(self) -> Path:
        return Path(sqlite_settings(self.properties["scalar.db.contact_points"]).path)

    def _session(self) -> psycopg.Connection[Any]:
        properties = self.properties
        return psycopg.connect(
            properties["scalar.db.contact_points"].removeprefix("jdbc:"),
            user=properties["scalar.db.username"],
            password=properties["scalar.db.password"],
            autocommit=True,
        )


@contextmanager
def opened(
    name: str, records: int, folder: Path | None, running: Mapping[str, Cluster] | None = None
) -> Iterator[Ground]:
    """The place, loaded. ``running`` servers are used; others are started and ended."""
    with places.opened(name, folder, running) as place:
        ground = Ground(place, records)
        ground.load()
        yield ground


def check_written(
    ground: Ground, before: int, tallies: list[Tally], *, refused_may: bool = False
) -> None:
    """Has each transaction that was acknowledged, and no other, made one version?

    DisagreementError: no; what nobody knows the outcome of may have, and with ``refused_may`` what
    was refused too.
    """
    check_surplus(ground.versions() - before, tallies, refused_may=refused_may)


def check_surplus(written: int, tallies: list[Tally], *, refused_may: bool = False) -> None:
    """The same of a number of writes that was found."""
    acknowledged = sum(one.all_done for one in tallies)
    doubtful = sum(one.unknown + (one.refused if refused_may else 0) for one in tallies)
    if not 0 <= written - acknowledged <= doubtful:
        raise agreement.DisagreementError(
            f"{written} writes of {acknowledged} acknowledged, {doubtful} in doubt"
        )


def file_url(file: Path) -> str:
    """A file as the place "sqlite" has it."""
    return f"jdbc:sqlite:{file}?{FULL_SYNC}"


def make_counters(target: str) -> None:
    """Counters that are all 0, made through a node."""
    with scalar_tx.connect(target) as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        db.admin.create_table(COUNTERS, columns=COUNTER_COLUMNS, partition_key=[COUNTER_KEY])
        rows = ({COUNTER_KEY: number, COUNT: 0} for number in range(COUNTER_RECORDS))
        db.load(COUNTERS, rows, batch=1000)


def counted(target: str) -> int:
    """What all counters say together."""
    with scalar_tx.connect(target) as db:
        every: list[Any] = db.scan(COUNTERS, whole_table=True)
    if len(every) != COUNTER_RECORDS:
        raise agreement.DisagreementError(f"{len(every)} counters of {COUNTER_RECORDS}")
    return sum(one[COUNT] for one in every)
