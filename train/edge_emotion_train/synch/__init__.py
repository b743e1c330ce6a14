"""Training and measuring Synch-Graph: clips, presentations, recordings, protocols, tables."""
