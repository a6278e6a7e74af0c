"""From a run's specification to a watched container and its outcome.

This package knows nothing of Slack, SQLite or GitHub. What the rest of the program needs from it
stands in ``spec``, ``recorder``, ``runner``, ``patch`` and ``errors``.
"""
