"""Jobs in a PostgreSQL database, for workers on any number of hosts."""
