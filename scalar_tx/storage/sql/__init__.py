"""What the SQL databases have in common: statement texts, table definitions, the metadata table.

Text and values only; nothing here touches a driver. What differs between databases is a
``Dialect``.
"""
