"""What does each method ask of its caller? A second opinion, written down by hand.

It follows the operations specification (9.3) and the comments in ``proto/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.messages.schemas import schema_message
from scalar_tx.cluster.rpc.v1 import administration_pb2 as administration
from scalar_tx.cluster.rpc.v1 import security_pb2 as security
from tests.cluster.security.people import SCHEMA
from tests.cluster.security.row import (
    ANYBODY,
    NAMESPACES,
    OPEN,
    OPEN_TO_A_SECRET,
    SEES,
    SUPERUSER,
    Needs,
    Row,
    all_of,
)
from tests.cluster.security.rows_of_transactions import TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

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
    _change("CreateTable", all_of("CREATE"), schema=_SCHEMA),
    _change("DropTable", all_of("DROP")),
    _change("TruncateTable", all_of("TRUNCATE")),
    _change("ListTables", ANYBODY),
    _change("DescribeTable", SEES),
    _change("ListStoredTables", ANYBODY),
    _change("DescribeStoredTable", SEES),
    _change("AddColumn", all_of("ALTER"), column="m", data_type="INT"),
    _change("DropColumn", all_of("ALTER"), column="m"),
    _change("RenameColumn", all_of("ALTER"), column="m", new_name="o"),
    _change("AlterColumnType", all_of("ALTER"), column="m", data_type="BIGINT"),
    _change("RenameTable", all_of("ALTER", "CREATE")),
    _change("ImportTable", all_of("CREATE")),
    _change("CreateIndex", all_of("ALTER"), column="n"),
    _change("DropIndex", all_of("ALTER"), column="n"),
    _change("RepairTable", all_of("ALTER")),
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
    _security("LogIn", OPEN, lambda *_: security.LogInRequest(user="ada", password="not this one")),
    _security(
        "Refresh", OPEN_TO_A_SECRET, lambda *_: security.RefreshRequest(refresh_token="none")
    ),
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
    _security("Grant", all_of("GRANT", "SELECT"), _granted("SELECT"), "SELECT"),
    _security("Grant", all_of("GRANT", "ALTER", "DROP"), _granted("ALTER", "DROP"), "two"),
    _security("Grant", all_of("GRANT"), _granted("GRANT"), "GRANT"),
    _security("Revoke", all_of("GRANT", "SELECT"), _granted("SELECT"), "SELECT"),
    _security(
        "ListGrants", SUPERUSER, lambda *_: security.ListRequest(subject="user:victim"), "others'"
    ),
]

ROWS: Final = [*TRANSACTIONS, *_ADMINISTRATION, *_SECURITY]
