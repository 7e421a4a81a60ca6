"""PyInstaller: what its builds of a program that uses LocalQ need. It finds this by itself."""
