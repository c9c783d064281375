"""PostgreSQL: one database of one server, shared with Java programs (Storage specification 5)."""
