"""JSON with tags for the values it has no words for."""
