"""Where attempts run: processes, threads; each kind in its own file."""
