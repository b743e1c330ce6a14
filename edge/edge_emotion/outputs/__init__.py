"""Events out: terminal, JSON lines, a window."""
