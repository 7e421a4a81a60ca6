"""Who comes in, and to what: one gate in front of every route."""
