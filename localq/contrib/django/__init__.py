"""Django: `delay_on_commit`, database connections of runs, and a backend for Django's own tasks."""
