#!/usr/bin/env python3
"""Check everything: makes .venv-dev from the [dev] extra, then runs ruff, mypy and pytest.

Any arguments go to pytest: python3 test.py tests/house -x
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "deploy"))
from environment import SetupError, environment, say  # noqa: E402

CONCISE = ["--output-format", "concise"]
STATIC_CHECKS = (["ruff", "check", *CONCISE], ["ruff", "format", "--check", *CONCISE], ["mypy"])


def main() -> int:
    """Make the environment when needed, run every check; 1 when one fails, 2 when none can run."""
    try:
        programs = environment(ROOT, ".venv-dev", ["--editable", ".[dev]"])
    except SetupError as error:
        print(f"test.py: {error}", file=sys.stderr)
        return 2
    failed = []
    for check in (*STATIC_CHECKS, ["pytest", *sys.argv[1:]]):
        say(" ".join(check))
        if subprocess.run([str(programs / check[0]), *check[1:]], cwd=ROOT).returncode:
            failed.append(" ".join(check))
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("test.py: stopped; the same call goes on", file=sys.stderr)
        sys.exit(130)
