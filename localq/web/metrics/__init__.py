"""What scrapers ask for: counts and gauges for Prometheus, and whether the dashboard is there."""
