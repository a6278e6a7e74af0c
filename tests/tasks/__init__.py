"""Working tasks: real packages with a planted fault or a missing feature, and a hidden check."""
