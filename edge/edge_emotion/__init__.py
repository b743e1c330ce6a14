"""Recognise expressed emotion live and offline on a small device."""

__version__ = "0.1.0"
