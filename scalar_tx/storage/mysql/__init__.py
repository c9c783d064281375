"""MySQL and MariaDB: the schemas of one server (Storage specification 5)."""
