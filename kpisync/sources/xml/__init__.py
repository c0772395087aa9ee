"""XML documents."""

from kpisync.sources.xml.source import SPEC, XmlOptions

__all__ = ["SPEC", "XmlOptions"]
