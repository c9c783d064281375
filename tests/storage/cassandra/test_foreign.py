"""Which tables of other programs are taken over on Cassandra, which are refused, and why?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.metadata import is_transactional
from scalar_tx.errors import InvalidOperationError
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import open_cassandra
from tests.faces.either import FACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.cassandra.storage import CassandraStorage
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

NAME = "cassandra_foreign.t"
REFUSED = {
    "id int PRIMARY KEY, u uuid": "u is of the type uuid",
    "id int, c int, s int STATIC, PRIMARY KEY (id, c)": "s is a static column",
    "id int PRIMARY KEY) WITH default_time_to_live = (60": "vanishes after 60 s",
}


@pytest.fixture
def storage(cassandra_server: Cluster) -> Iterator[CassandraStorage]:
    storage = open_cassandra(load(cassandra_server.properties()).storage)
    run(storage.admin.create_namespace("cassandra_foreign", if_not_exists=True))
    yield storage
    run(storage.admin.drop_namespace("cassandra_foreign", if_exists=True))
    run(storage.close())


def made(storage: CassandraStorage, columns: str) -> None:
    text = f"CREATE TABLE {NAME} ({columns})".replace("= (60)", "= 60")
    run(storage.admin._session.define(text, NAME))


def test_refused(storage: CassandraStorage) -> None:
    with pytest.raises(InvalidOperationError, match="no table"):
        run(storage.admin.foreign_table(NAME, {}))
    for columns, words in REFUSED.items():
        made(storage, columns)
        with pytest.raises(InvalidOperationError, match=words) as caught:
            run(storage.admin.foreign_table(NAME, {}))
        assert caught.value.code == "STX-3075"
        run(storage.admin._session.define(f"DROP TABLE {NAME}", NAME))


def test_an_import_that_was_cut_short_goes_on(
    storage: CassandraStorage, cassandra_server: Cluster
) -> None:
    """Each column is added by itself, so any number of them may be there after a crash."""
    made(storage, "id int PRIMARY KEY, n int")
    left = ["tx_id text", "tx_state int", "tx_version int", "tx_prepared_at bigint"]
    for column in [*left, "tx_committed_at bigint", "before_tx_id text"]:
        run(storage.admin._session.define(f"ALTER TABLE {NAME} ADD {column}", NAME))
    db = FACES[0].open(cassandra_server.properties())
    db.admin.import_table(NAME)
    stored = db.admin.stored_table(NAME)
    assert is_transactional(stored)
    assert set(db.admin.table(NAME).columns) == {"id", "n"}
    with pytest.raises(InvalidOperationError, match="ready for transactions already"):
        db.admin.import_table(NAME)
    db.admin.drop_table(NAME)
    db.close()
