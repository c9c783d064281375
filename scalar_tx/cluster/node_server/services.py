"""What does a worker serve of our own protocol?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.node_server.administration import AdministrationCalls
from scalar_tx.cluster.node_server.calls import Calls
from scalar_tx.cluster.node_server.security import NoSecurityCalls
from scalar_tx.cluster.node_server.transactions import TransactionCalls
from scalar_tx.cluster.rpc.v1 import administration_pb2, security_pb2, transactions_pb2

if TYPE_CHECKING:
    import grpc

    from scalar_tx.cluster.node_server.worker_parts import WorkerParts


def handlers(worker: WorkerParts) -> list[grpc.GenericRpcHandler]:
    """What a gRPC server is to be given."""
    calls = Calls(worker)
    security = security_pb2.DESCRIPTOR.services_by_name["Security"]
    transactions = transactions_pb2.DESCRIPTOR.services_by_name["Transactions"]
    administration = administration_pb2.DESCRIPTOR.services_by_name["Administration"]
    return [
        calls.handler(transactions, TransactionCalls(worker).methods()),
        calls.handler(administration, AdministrationCalls(worker).methods()),
        calls.handler(security, (worker.security or NoSecurityCalls()).methods()),
    ]
