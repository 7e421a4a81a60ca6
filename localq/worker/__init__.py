"""What programs add to their workers; the worker itself is `localq.engine.worker`."""
