"""Feature extractors: samples or frames in, one node's features out; training imports the same code."""
