"""Quantive and Gtmhub as destinations; nothing is imported here, for the configuration needs one module alone."""
