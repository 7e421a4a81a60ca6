"""Pools, where attempts run: processes, an event loop, threads; each kind in its own folder."""
