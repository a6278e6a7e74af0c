"""Anthropic's and OpenAI's own protocols, for agent programs that speak these: read, not spoken.

A request goes on to the provider nearly as it came; what is understood of it is what the run's
rules and its transcript need.
"""
