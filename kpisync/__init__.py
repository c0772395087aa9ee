"""kpisync pushes KPI values between systems: planned, confirmed, and nothing sent twice."""

from importlib.metadata import version

__version__ = version("kpisync")
