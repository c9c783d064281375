"""What does each method ask of its caller? A second opinion, written down by hand.

A row is a request about a namespace and a table, and what the operations specification (9.3) and
the comments in ``proto/`` want of whoever sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.messages.schemas import schema_message
from scalar_tx.cluster.messages.values import columns_message
from scalar_tx.cluster.rpc.v1 import administration_pb2 as administration
from scalar_tx.cluster.rpc.v1 import operations_pb2 as operations
from scalar_tx.cluster.rpc.v1 import scripts_pb2 as scripts
from scalar_tx.cluster.rpc.v1 import security_pb2 as security
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as transactions
from scalar_tx.cluster.rpc.v1 import values_pb2 as values
from tests.cluster.security.people import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.security.people import Somebody

OPEN: Final = "open"  # for those, too, who have not logged in
OPEN_TO_A_SECRET: Final = "whoever holds the secret that the request holds"
ANYBODY: Final = "anybody who has logged in"
SUPERUSER: Final = "superuser"
NAMESPACES: Final = "superuser, and not of the node's own namespaces"
SEES: Final = "any privilege"

Needs = str | frozenset[str]


@dataclass(frozen=True)
class Row:
    """``requests`` makes them of a namespace, a table's name and an unused id."""

    method: str
    needs: Needs
    requests: Callable[[str, str, str], list[Any]]
    kind: str = ""

    def lets(self, who: Somebody, namespace: str) -> bool:
        """May they, known as they are?"""
        if self.needs in (OPEN, ANYBODY):
            return True
        if self.needs == SUPERUSER:
            return who.superuser
        if self.needs == NAMESPACES:
            return who.superuser and who.holds(namespace, frozenset())
        if self.needs == SEES:
            return any(who.holds(namespace, frozenset({one})) for one in _ANY)
        assert isinstance(self.needs, frozenset)
        return who.holds(namespace, self.needs)


_ANY: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "TRUNCATE", "ALTER")
_ANY += ("GRANT",)


def _all(*privileges: str) -> frozenset[str]:
    return frozenset(privileges)


# Operations.

_W = operations.Write
_KEY = columns_message({"id": 1}, "key", "own.t")
_VALUES = columns_message({"id": 1, "n": 1}, "values", "own.t")
_CHANGED = columns_message({"n": 1}, "values", "own.t")
_WHERE = values.Condition(
    comparison=values.Comparison(
        column="n", operator=values.OPERATOR_EQ, value=values.Value(integer=1)
    )
)


def _write(kind: Any, **more: Any) -> Callable[[str], Any]:
    def write(table: str) -> Any:
        return operations.Operation(write=_W(kind=kind, table=table, **more))

    return write


def _scan(table: str) -> Any:
    return operations.Scan(table=table, whole_table=True)


OPERATIONS: Final[dict[str, tuple[frozenset[str], Callable[[str], Any]]]] = {
    "get": (
        _all("SELECT"),
        lambda table: operations.Operation(get=operations.Get(table=table, key=_KEY)),
    ),
    "scan": (_all("SELECT"), lambda table: operations.Operation(scan=_scan(table))),
    "INSERT": (_all("INSERT"), _write(_W.INSERT, values=_VALUES)),
    "UPSERT": (_all("INSERT", "UPDATE"), _write(_W.UPSERT, values=_VALUES)),
    "PUT": (_all("INSERT", "UPDATE"), _write(_W.PUT, values=_VALUES)),
    "PUT where": (
        _all("INSERT", "UPDATE", "SELECT"),
        _write(_W.PUT, values=_VALUES, where=_WHERE, implicit_pre_read=True),
    ),
    "UPDATE": (
        _all("UPDATE"),
        _write(_W.UPDATE, key=_KEY, values=_CHANGED, ignore_missing=True),
    ),
    "UPDATE of a record": (_all("UPDATE", "SELECT"), _write(_W.UPDATE, key=_KEY, values=_CHANGED)),
    "UPDATE where": (
        _all("UPDATE", "SELECT"),
        _write(_W.UPDATE, key=_KEY, values=_CHANGED, ignore_missing=True, where=_WHERE),
    ),
    "DELETE": (_all("DELETE"), _write(_W.DELETE, key=_KEY)),
    "DELETE where": (_all("DELETE", "SELECT"), _write(_W.DELETE, key=_KEY, where=_WHERE)),
}


def _begin(tx_id: str, **more: Any) -> Any:
    return transactions.Begin(transaction_id=tx_id, fresh_id=True, **more)


def _talk(tx_id: str, *steps: Any, **begin: Any) -> list[Any]:
    requests = [transactions.Request() for _ in steps] or [transactions.Request()]
    for request, step in zip(requests, steps, strict=False):
        request.CopyFrom(step)
    requests[0].begin.CopyFrom(_begin(tx_id, **begin))
    rollback = transactions.Request(end=transactions.Request.ROLLBACK)
    return [*requests, rollback]


_R = transactions.Request
_NOTHING = transactions.Nothing()
_LOOK = transactions.Look(scope="s", key="k", digest=b"d", what="w")


def _transact(kind: str, needs: Needs, step: Callable[[str], list[Any]], **begin: Any) -> Row:
    return Row(
        "Transactions.Transact",
        needs,
        lambda ns, t, tx_id: _talk(tx_id, *step(f"{ns}.{t}"), **begin),
        kind,
    )


def _transact_rows() -> list[Row]:
    rows = []
    for name, (needs, made) in OPERATIONS.items():
        rows += [
            _transact(f"one {name}", needs, lambda t, made=made: [_R(one=made(t))]),
            _transact(
                f"batch {name}",
                needs | _all("SELECT"),
                lambda t, made=made: [
                    _R(
                        batch=transactions.Batch(
                            operations=[
                                operations.Operation(get=operations.Get(table=t, key=_KEY)),
                                made(t),
                            ]
                        )
                    )
                ],
            ),
        ]
    opened = transactions.OpenScanner
    part = transactions.Begin.BEGIN
    return [
        *rows,
        _transact(
            "open_scanner", _all("SELECT"), lambda t: [_R(open_scanner=opened(scan=_scan(t)))]
        ),
        _transact(
            "next_page",
            _all("SELECT"),
            lambda t: [_R(open_scanner=opened(scan=_scan(t))), _R(next_page=0)],
        ),
        _transact("confirm_reads", ANYBODY, lambda _: [_R(confirm_reads=_NOTHING)]),
        _transact("explain", ANYBODY, lambda _: [_R(explain=_NOTHING)]),
        _transact("look", ANYBODY, lambda _: [_R(look=_LOOK)]),
        _transact(
            "remember",
            ANYBODY,
            lambda _: [
                _R(look=_LOOK),
                _R(remember=transactions.Remember(call=_LOOK, result="null")),
            ],
        ),
        _transact("prepare", ANYBODY, lambda _: [_R(prepare=_NOTHING)], two_phase=part),
        _transact("validate", ANYBODY, lambda _: [_R(validate=_NOTHING)], two_phase=part),
        _transact("GO_ON", ANYBODY, lambda _: []),
        _transact("COMMIT", ANYBODY, lambda _: [_R(end=_R.COMMIT)]),
        _transact("ROLLBACK", ANYBODY, lambda _: [_R(end=_R.ROLLBACK)]),
    ]


def _execute_rows() -> list[Row]:
    def row(name: str, needs: frozenset[str], made: Callable[[str], Any]) -> Row:
        def requests(namespace: str, table: str, tx_id: str) -> list[Any]:
            step = scripts.Step(operation=made(f"{namespace}.{table}"))
            script = scripts.Script(steps=[step])
            return [transactions.ExecuteRequest(begin=_begin(tx_id), script=script)]

        return Row("Transactions.Execute", needs, requests, name)

    def requires(namespace: str, table: str, tx_id: str) -> list[Any]:
        del namespace, table
        condition = scripts.Expression(literal=values.Value(boolean=True))
        step = scripts.Step(require=scripts.Requirement(condition=condition))
        script = scripts.Script(steps=[step])
        return [transactions.ExecuteRequest(begin=_begin(tx_id), script=script)]

    return [
        *(row(name, *what) for name, what in OPERATIONS.items()),
        Row("Transactions.Execute", ANYBODY, requires, "require"),
    ]


def _named(tx_id: str) -> list[Any]:
    return [transactions.TransactionName(transaction_id=tx_id)]


_TRANSACTIONS: Final = [
    *_transact_rows(),
    *_execute_rows(),
    Row(
        "Transactions.ScanPages",
        _all("SELECT"),
        lambda ns, t, tx_id: [
            transactions.ScanPagesRequest(begin=_begin(tx_id), scan=_scan(f"{ns}.{t}"))
        ],
    ),
    Row("Transactions.GetState", ANYBODY, lambda _, __, tx_id: _named(tx_id)),
    Row("Transactions.Settle", ANYBODY, lambda _, __, tx_id: _named(tx_id)),
    Row(
        "Transactions.Recover",
        _all("SELECT"),
        lambda ns, t, _: [transactions.RecoverRequest(table=f"{ns}.{t}", key=_KEY)],
    ),
    Row("Transactions.Finish", SUPERUSER, lambda _, __, tx_id: _named(tx_id)),
    Row(
        "Transactions.ForgetOutcomes",
        SUPERUSER,
        lambda *_: [transactions.ForgetOutcomesRequest()],
    ),
    Row("Transactions.Hello", OPEN, lambda *_: [transactions.HelloRequest()]),
]


# Administration.


def _change(method: str, needs: Needs, **more: Any) -> Row:
    def requests(namespace: str, table: str, _: str) -> list[Any]:
        ask = administration.Change(namespace=namespace, table=f"{namespace}.{table}", **more)
        if method == "RenameTable":
            ask.new_name = f"{namespace}.{table}"
        return [ask]

    return Row(f"Administration.{method}", needs, requests)


_SCHEMA = schema_message(SCHEMA)
_ADMINISTRATION: Final = [
    _change("CreateNamespace", NAMESPACES, if_not_exists=True),
    _change("DropNamespace", NAMESPACES, if_exists=True),
    _change("ListNamespaces", ANYBODY),
    _change("CreateTable", _all("CREATE"), schema=_SCHEMA),
    _change("DropTable", _all("DROP")),
    _change("TruncateTable", _all("TRUNCATE")),
    _change("ListTables", ANYBODY),
    _change("DescribeTable", SEES),
    _change("ListStoredTables", ANYBODY),
    _change("DescribeStoredTable", SEES),
    _change("AddColumn", _all("ALTER"), column="m", data_type="INT"),
    _change("DropColumn", _all("ALTER"), column="m"),
    _change("RenameColumn", _all("ALTER"), column="m", new_name="o"),
    _change("AlterColumnType", _all("ALTER"), column="m", data_type="BIGINT"),
    _change("RenameTable", _all("ALTER", "CREATE")),
    _change("ImportTable", _all("CREATE")),
    _change("CreateIndex", _all("ALTER"), column="n"),
    _change("DropIndex", _all("ALTER"), column="n"),
    _change("RepairTable", _all("ALTER")),
    _change("Upgrade", SUPERUSER, dry_run=True),
    _change("CreateCoordinatorTables", SUPERUSER, if_not_exists=True),
    _change("DropCoordinatorTables", SUPERUSER),
    _change("TruncateCoordinatorTables", SUPERUSER),
    _change("RepairCoordinatorTables", SUPERUSER),
    _change("CoordinatorTablesExist", ANYBODY),
]


# Security.


def _security(method: str, needs: Needs, request: Callable[[str, str], Any], kind: str = "") -> Row:
    return Row(f"Security.{method}", needs, lambda ns, t, _: [request(ns, f"{ns}.{t}")], kind)


def _user(_: str, __: str) -> Any:
    return security.UserRequest(user="victim", password="another long password")


def _role(_: str, __: str) -> Any:
    return security.RoleRequest(role="victims", member="user:victim")


def _granted(*privileges: str) -> Callable[[str, str], Any]:
    return lambda _, table: security.GrantRequest(
        subject="user:victim", privileges=privileges, object=table
    )


_SECURITY: Final = [
    _security(
        "LogIn", OPEN, lambda *_: security.LogInRequest(user="ada", password="not this one")
    ),
    _security("Refresh", OPEN_TO_A_SECRET, lambda *_: security.RefreshRequest(refresh_token="none")),
    _security("LogOut", OPEN, lambda *_: security.Token(token="none at all")),
    _security(
        "ChangePassword",
        ANYBODY,
        lambda *_: security.ChangePasswordRequest(
            old_password="not this one", new_password="another long password"
        ),
    ),
    _security("CreateUser", SUPERUSER, _user),
    _security("DropUser", SUPERUSER, _user),
    _security("SetPassword", SUPERUSER, _user),
    _security("RevokeTokens", SUPERUSER, _user),
    _security("ListUsers", SUPERUSER, lambda *_: security.ListRequest()),
    _security("CreateRole", SUPERUSER, _role),
    _security("DropRole", SUPERUSER, _role),
    _security("GrantRole", SUPERUSER, _role),
    _security("RevokeRole", SUPERUSER, _role),
    _security("Grant", _all("GRANT", "SELECT"), _granted("SELECT"), "SELECT"),
    _security("Grant", _all("GRANT", "ALTER", "DROP"), _granted("ALTER", "DROP"), "two"),
    _security("Grant", _all("GRANT"), _granted("GRANT"), "GRANT"),
    _security("Revoke", _all("GRANT", "SELECT"), _granted("SELECT"), "SELECT"),
    _security(
        "ListGrants", SUPERUSER, lambda *_: security.ListRequest(subject="user:victim"), "others'"
    ),
]

ROWS: Final = [*_TRANSACTIONS, *_ADMINISTRATION, *_SECURITY]
