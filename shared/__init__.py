"""What the API and the worker both stand on; knows neither of them, and no Flask."""
