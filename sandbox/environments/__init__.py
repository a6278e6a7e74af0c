"""Environments: images that hold a repository's tree with its tools installed, kept for later."""
