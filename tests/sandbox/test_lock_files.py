"""Lock files whose packages suddenly come from elsewhere."""

from __future__ import annotations

import pytest

from sandbox.lock_files import has_new_sources, is_lock_file

OLD = b'"resolved": "https://registry.npmjs.org/a/-/a-1.tgz"\n'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("package-lock.json", True),
        ("web/yarn.lock", True),
        ("dev-requirements.txt", True),
        ("notes.lock.md", False),
        ("package.json", False),
    ],
)
def test_which_they_are(path: str, expected: bool) -> None:
    assert is_lock_file(path) is expected


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (b'"resolved": "https://registry.npmjs.org/b/-/b-2.tgz"\n', False),
        (b'"resolved": "https://registry.npmjs.org.evil.example/b.tgz"\n', True),
        (b'"resolved": "HTTPS://evil.example/b.tgz"\n', True),
        (b'"resolved": "git+ssh://git@evil.example/b.git"\n', True),
        (b'"resolved": "https://user:word@evil.example/b.tgz"\n', True),
        (b'"resolved": "file:../b.tgz"\n', True),
        (b"-e ./b\n", True),
        (b"", False),
    ],
)
def test_new_sources(new: bytes, expected: bool) -> None:
    assert has_new_sources(OLD, OLD + new) is expected
