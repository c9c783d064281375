"""What can be seen of a running program: how its transactions ended, and its log."""
