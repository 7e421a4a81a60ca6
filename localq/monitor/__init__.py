"""Looking at and steering what runs, from outside."""
