"""The Celery side: takes jobs, calls the provider, saves the images."""
