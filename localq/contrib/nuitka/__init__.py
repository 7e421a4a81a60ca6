"""Nuitka: what its builds of a program that uses LocalQ need. `python -m localq.contrib.nuitka` prints the plugin."""
