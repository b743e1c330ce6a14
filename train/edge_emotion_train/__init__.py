"""Workstation stack: corpora, protocols, models and training of L-GrIN."""
