"""People: accounts, roles, organisations, tokens, one-time codes."""
