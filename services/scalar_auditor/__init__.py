"""The Scalar Auditor: what happened to files, who may look at them, and were they altered?

Five services over one database or several, served by a node (``scalar-tx node --services
audit,verification,event,item,identity``). Each has a folder:

- ``model.py``: its tables as typed records (``namespaces/<name>.json``)
- ``rules.py``: what may happen, as functions of a transaction; nothing of gRPC
- ``api.py``: requests in, answers out

A service reads and writes its own tables only. What it needs of another one it asks of that one's
rules, handing over the transaction: so all that a call does is one transaction, wherever the
namespaces lie.
"""
