"""What callers and storages talk about: types, tables, keys, operations, conditions, records.

Values only: nothing here waits, reads a clock or touches a database.
"""
