"""From cells to a model that reads and writes text."""
