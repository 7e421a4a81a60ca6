"""Changes: each calls the verb that the command line calls, and writes down who did what."""
