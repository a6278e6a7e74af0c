"""The story of every task, in one SQLite file."""
