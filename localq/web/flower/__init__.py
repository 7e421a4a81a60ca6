"""Flower's own API, path by path, so that its clients work: other shapes of the same questions and changes."""
