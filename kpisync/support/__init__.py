"""What adapters share: files and connections, free of what is in them."""
