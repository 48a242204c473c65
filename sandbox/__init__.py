"""Stand in for Stability AI's REST API on loopback, without a key and without a bill."""
