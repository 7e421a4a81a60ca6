"""The codec's JSON: the classes it knows, the writer of its tags, and their reader."""
