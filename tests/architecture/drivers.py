"""Which adapter may import which driver?"""

from __future__ import annotations

# driver -> the one package that imports it
DRIVER_HOMES = {
    "sqlite3": "scalar_tx.storage.sqlite",
    "psycopg": "scalar_tx.storage.postgresql",
    "pymysql": "scalar_tx.storage.mysql",
    "cassandra": "scalar_tx.storage.cassandra",
    "boto3": "scalar_tx.storage.dynamo",
    "botocore": "scalar_tx.storage.dynamo",
    "redis": "scalar_tx.storage.redis_quorum",
}
