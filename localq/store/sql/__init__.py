"""A store in SQL, for any database that has a dialect."""
