"""Is a large request of ScalarDB's clients read in pieces, and what it asks for done?"""

from __future__ import annotations

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.counted_pieces import Counted
from tests.cluster.scalardb_server.conftest import make_tables
from tests.cluster.scalardb_server.messages import PLAIN, get, put, record
from tests.cluster.scalardb_server.served import Client, Served


def test_it_is_read_in_pieces_and_a_small_one_is_not() -> None:
    turns = Counted()
    server = Served("memory://", turns=turns)
    try:
        make_tables(server)
        client = Client(server.port)
        large = "x" * 1_000_000
        for number, text, works in ((1, "small", 0), (2, large, 1)):
            written = rpc.MutateRequest(mutations=[put(number, of=PLAIN, v=1, w=text)])
            client.call("DistributedStorage/Mutate", written)
            assert len(turns.pieces) == works
            found = client.call("DistributedStorage/Get", rpc.GetRequest(get=get(number, of=PLAIN)))
            assert record(found.result)["w"] == text
        assert turns.pieces[0] > 1
        client.channel.close()
    finally:
        server.close()
