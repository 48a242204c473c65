"""The service on several hosts, each a network namespace, with one cut off after the other."""
