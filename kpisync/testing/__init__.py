"""Doubles and builders for tests, public for the authors of adapters; nothing else of kpisync imports them."""
