"""How do values, operations and errors become messages of ``scalar_tx.v1``, and come back?

Pure translation, the same for the node and its clients: what one of them writes the other reads.
"""
