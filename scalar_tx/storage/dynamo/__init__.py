"""DynamoDB, the service or its local stand-in (Storage specification 4)."""
