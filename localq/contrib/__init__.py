"""What some programs need and most do not."""
