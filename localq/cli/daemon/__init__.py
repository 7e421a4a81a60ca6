"""Workers in the background."""
