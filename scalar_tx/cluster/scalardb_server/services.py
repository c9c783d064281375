"""Which methods does the listener for clients of ScalarDB Server have, and who serves each?

How a method is called and what it carries comes from the protocol's own descriptors.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import (
    reflection,
    reflection_pb2,
)

from scalar_tx.cluster.health import SERVICE as HEALTH
from scalar_tx.cluster.intake import reader
from scalar_tx.cluster.rpc import scalar_admin_pb2, scalardb_pb2
from scalar_tx.cluster.scalardb_server.administration import Administration
from scalar_tx.cluster.scalardb_server.calls import called
from scalar_tx.cluster.scalardb_server.coordinator_calls import CoordinatorCalls
from scalar_tx.cluster.scalardb_server.host import ELEMENTS, LARGEST_ANSWER, Host
from scalar_tx.cluster.scalardb_server.pause import PauseCalls
from scalar_tx.cluster.scalardb_server.states import States
from scalar_tx.cluster.scalardb_server.storage import STORAGE, ScanStream, Storage
from scalar_tx.cluster.scalardb_server.streams import served
from scalar_tx.cluster.scalardb_server.tables_by_name import TablesByName
from scalar_tx.cluster.scalardb_server.tables_seen import StoredTables, TransactionalTables
from scalar_tx.cluster.scalardb_server.transactions import TransactionStream
from scalar_tx.cluster.scalardb_server.two_phase import TwoPhaseStream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor

    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.scalardb_server.administration import Dropped
    from scalar_tx.cluster.scalardb_server.calls import Work
    from scalar_tx.cluster.scalardb_server.host import Ended
    from scalar_tx.cluster.scalardb_server.pause import Pauses
    from scalar_tx.cluster.sessions import Sessions
    from scalar_tx.cluster.turns import Turns
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.observe.scalardb_stats import ServerCalls

    Methods = Mapping[str, Callable[..., Any]]
    Works = Mapping[str, Work]

_REFLECTION: Final = reflection.SERVICE_NAME


def handlers(
    manager: AsyncTransactionManager,
    gate: Gate,
    sessions: Sessions,
    pauses: Pauses,
    *,
    largest_answer: int = LARGEST_ANSWER,
    ended: Ended | None = None,
    elements: int = ELEMENTS,
    turns: Turns | None = None,
    counts: ServerCalls | None = None,
    dropped: Dropped | None = None,
) -> list[grpc.GenericRpcHandler]:
    """The protocol's five services, pausing and reflection, for one ``grpc.aio`` server.

    ``largest_answer`` in bytes: what clients accept as one message. ``ended`` is told of each
    transaction's end, ``counts`` of each call, ``dropped`` of each table and namespace that is, by
    its name. ``elements``: of one request, operations. ``turns``: in which large requests are read.
    Whoever closes the manager waits until the gate is drained: a stream that was cut is rolled back
    behind its end.
    """
    host = Host(TablesByName(manager), gate, sessions, largest_answer, ended, counts, dropped)
    services = _methods_of(host)
    made = [
        _service(scalardb_pb2.DESCRIPTOR, name, of, elements, turns)
        for name, of in services.items()
    ]
    calls = PauseCalls(pauses)
    pausing: Methods = {
        "Pause": calls.pause,
        "Unpause": calls.unpause,
        "CheckPaused": calls.check_paused,
    }
    made.append(_service(scalar_admin_pb2.DESCRIPTOR, "Admin", pausing, elements))
    names = [f"rpc.{name}" for name in (*services, "Admin")]
    reflected = reflection.aio.ReflectionServicer([*names, HEALTH, _REFLECTION])
    answer = {"ServerReflectionInfo": reflected.ServerReflectionInfo}
    made.append(_service(reflection_pb2.DESCRIPTOR, "ServerReflection", answer))
    return made


def _methods_of(host: Host) -> dict[str, Methods]:
    """Who serves each method of the protocol's services."""
    gate, database = host.gate, host.database
    states, storage = States(database.manager), Storage(host)
    by_id: Works = {
        "GetState": states.get_state,
        "Rollback": states.roll_back,
        "Abort": states.abort,
    }
    one_phase, two_phase = Counter[str](), Counter[str]()
    return {
        "DistributedStorage": {
            "Scan": served(ScanStream, host),
            **_each(host, STORAGE, {"Get": storage.get, "Mutate": storage.mutate}, gate),
        },
        "DistributedStorageAdmin": _each(
            host,
            "distributed_storage_admin",
            _administration(Administration(StoredTables(database), host.dropped)),
        ),
        "DistributedTransaction": {
            "Transaction": served(partial(TransactionStream, active=one_phase), host),
            **_each(host, TransactionStream.service, by_id, gate),
        },
        "TwoPhaseCommitTransaction": {
            "TwoPhaseCommitTransaction": served(partial(TwoPhaseStream, active=two_phase), host),
            **_each(host, TwoPhaseStream.service, by_id, gate),
        },
        "DistributedTransactionAdmin": _each(
            host,
            "distributed_transaction_admin",
            {
                **_administration(Administration(TransactionalTables(database), host.dropped)),
                **_coordinator(CoordinatorCalls(database)),
            },
        ),
    }


def _each(host: Host, service: str, works: Works, gate: Gate | None = None) -> Methods:
    """The handlers of methods, counted under ScalarDB Server's name of their service (15)."""
    return {
        name: called(work, gate, partial(host.counted, service, _in_snake_case(name)))
        for name, work in works.items()
    }


def _in_snake_case(name: str) -> str:
    return re.sub(r"\B[A-Z]", r"_\g<0>", name).lower()


def _administration(calls: Administration) -> Works:
    return {
        "CreateNamespace": calls.create_namespace,
        "DropNamespace": calls.drop_namespace,
        "CreateTable": calls.create_table,
        "DropTable": calls.drop_table,
        "TruncateTable": calls.truncate_table,
        "CreateIndex": calls.create_index,
        "DropIndex": calls.drop_index,
        "GetTableMetadata": calls.get_table_metadata,
        "GetNamespaceTableNames": calls.get_namespace_table_names,
        "NamespaceExists": calls.namespace_exists,
        "RepairTable": calls.repair_table,
        "AddNewColumnToTable": calls.add_new_column_to_table,
    }


def _coordinator(calls: CoordinatorCalls) -> Works:
    return {
        "CreateCoordinatorTables": calls.create,
        "DropCoordinatorTables": calls.drop,
        "TruncateCoordinatorTables": calls.truncate,
        "CoordinatorTablesExist": calls.exist,
        "RepairCoordinatorTables": calls.repair,
    }


def _service(
    file: FileDescriptor,
    name: str,
    methods: Methods,
    elements: int | None = None,
    turns: Turns | None = None,
) -> grpc.GenericRpcHandler:
    # ``elements`` None: who serves it takes a message for granted.
    service: ServiceDescriptor = file.services_by_name[name]
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {
            name: _handler(service.methods_by_name[name], serve, elements, turns)
            for name, serve in methods.items()
        },
    )


def _handler(
    method: Any, serve: Callable[..., Any], elements: int | None, turns: Turns | None
) -> Any:
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    return make(
        serve,
        request_deserializer=request.FromString
        if elements is None
        else reader(request, elements, turns),
        response_serializer=response.SerializeToString,
    )
