"""Stand-ins of the platforms on loopback, to try a configuration on without touching a real board."""
