"""Pools of coroutines and greenlets: many slots in one child process."""
