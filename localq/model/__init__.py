"""The words that all rooms share, as plain values; the catalogues of events and failpoints."""
