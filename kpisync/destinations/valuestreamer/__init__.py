"""ValueStreamer as a destination."""
