"""Catalogs as files: what a platform has, written down, and laid into what people wrote by hand."""
