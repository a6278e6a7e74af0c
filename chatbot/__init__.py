"""The process that owns tasks: Slack, web, history, publishing."""
