"""The status page: starlette and jinja2, with everything it needs in the package."""
