"""Hold the sandbox to the provider's document."""
