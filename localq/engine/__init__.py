"""What runs jobs: the worker, its pools, and their upkeep. Clients never import this."""
