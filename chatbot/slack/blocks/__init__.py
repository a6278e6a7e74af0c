"""From a task's projected state to Block Kit: pure functions, every limit kept by construction."""
