"""What programs add to their workers; the worker itself is `localq.worker.worker`."""
