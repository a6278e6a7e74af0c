"""Working tasks: real packages with a planted fault or a missing feature, and a hidden check.

Each is one TOML file in `catalogue/`: the package by version and hash of its source archive, the
request, the pieces of the tree as the model finds them and as they should be, a command that runs
the package's own tests near them, and a program that fails until the work is done. It is run on
the patch in a container of its own; the model never sees it. `make tasks MODEL=provider:name` runs
them through the product; without a model the answers are played back.
"""
