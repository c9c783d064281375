"""How does an unmodified Java client of ScalarDB use a node? Through ScalarDB Server's protocol.

``columns``, ``operations``, ``results`` and ``metadata`` translate between its messages and
``scalar_tx.model``: pure functions, which ask nobody and decide nothing about transactions.
"""
