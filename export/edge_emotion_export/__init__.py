"""From a trained network to verified files and a bundle."""
