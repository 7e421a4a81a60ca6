"""Rules in time."""
