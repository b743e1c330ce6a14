#!/usr/bin/env python3
"""Recognise emotion in the bundled clip: makes .venv (the plain install, and PyAV), runs `edge-emotion demo`.

Any arguments go to edge-emotion in place of `demo`: python3 demo.py --camera 0 --mic default
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "deploy"))
from environment import SetupError, environment  # noqa: E402


def main() -> int:
    """Make the environment when needed and become edge-emotion; 2 when it cannot be made."""
    try:
        program = environment(ROOT, ".venv", [".[video]"]) / "edge-emotion"
    except SetupError as error:
        print(f"demo.py: {error}", file=sys.stderr)
        return 2
    # The program names itself as it was called in what it says to do next.
    os.environ["EDGE_EMOTION_CALLED"] = "python3 demo.py"
    os.execv(program, [str(program), *(sys.argv[1:] or ["demo"])])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("demo.py: stopped; the same call goes on", file=sys.stderr)
        sys.exit(130)
