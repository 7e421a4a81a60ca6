"""The demo: its command, its tasks, what it draws."""
