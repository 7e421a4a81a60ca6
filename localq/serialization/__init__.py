"""Python values and errors, to bytes and back."""
