"""The benchmark of `localq bench`: what it measures, the worker it measures with, what the figures mean."""
