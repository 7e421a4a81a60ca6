"""What processes on one computer have of each other."""
