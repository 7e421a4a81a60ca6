"""The process that claims jobs, its pools, its control. Clients never import this."""
