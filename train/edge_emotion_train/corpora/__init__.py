"""Loaders of published corpora, one file each."""
