"""What are the messages of our own protocol? Modules that ``make protos`` makes of ``proto/``."""
