"""Questions to the store, answered with plain values: a page and an endpoint ask the same."""
