"""MicroStrategy: cubes, reports, visualizations and Insight KPIs over its REST API."""

from kpisync.sources.microstrategy.source import SPEC

__all__ = ["SPEC"]
