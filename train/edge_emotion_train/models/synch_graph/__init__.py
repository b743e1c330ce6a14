"""Synch-Graph: a spiking network over face and voice, its synchrony graphs, and the GCN that reads them."""
