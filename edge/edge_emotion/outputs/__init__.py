"""Estimates out: terminal, JSON lines."""
