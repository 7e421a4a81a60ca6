"""What is wrong, or not meant, in a rule."""
