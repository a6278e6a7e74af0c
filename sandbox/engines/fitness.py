"""What every image needs, asked of the image itself by one short shell script."""

from __future__ import annotations

FITNESS_SCRIPT = """\
python3 -c 'import sys; print("python3", sys.version_info >= (3, 8))' 2>/dev/null
git --version >/dev/null 2>&1 && echo "git True"
exit 0
"""


def missing_programs(output: bytes) -> list[str]:
    """Name what the script did not find."""
    lines = output.decode(errors="replace").splitlines()
    missing = []
    if "python3 True" not in lines:
        missing.append(
            "python3 3.8 or newer (it has an older one)" if "python3 False" in lines else "python3"
        )
    if "git True" not in lines:
        missing.append("git")
    return missing
