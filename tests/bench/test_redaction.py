"""How long it takes to look through the largest body that a container may send."""

from __future__ import annotations

import os
import sysconfig
import time
from pathlib import Path

import pytest

from sandbox.redaction import Redactor

pytestmark = pytest.mark.bench
SIZE = 8 * 1024**2


def test_redacting_ordinary_code() -> None:
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    code = "\n".join(path.read_text(errors="replace") for path in files)
    text = (code * (SIZE // len(code) + 1))[:SIZE]
    redactor = Redactor(os.urandom(24).hex() for _ in range(10))
    began = time.perf_counter()
    redactor.counted(text)
    print(f"redacting 8 MiB with ten known values: {time.perf_counter() - began:.3f} s")
    patch = "".join(f"+{line}\n" for line in text.splitlines())
    count = patch.count("\n")
    head = f"diff --git a/x b/x\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,{count} @@\n"
    began = time.perf_counter()
    redactor.patch((head + patch).encode())
    print(f"redacting a patch of it, {count:,} lines: {time.perf_counter() - began:.3f} s")
