"""The door for programs that speak the OpenAI Images API: other words for the same service."""
