"""How surely a name is the repository that is meant."""

COMPARED, STRAY, LINKED, ORIGIN, LOOSE, LED, CALLED, LABELLED = range(8)
"""Named for comparison · a word like any other · whose page is spoken of · where something comes
from · after a loose word such as "for" · after "in", or first of all · called a repository · said
by its name, as in "repo: acme/api"."""
