"""Timestamped frames in: microphone, files."""
