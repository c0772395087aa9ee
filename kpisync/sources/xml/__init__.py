"""XML documents."""

from kpisync.sources.xml.source import SPEC, XmlOptions, XmlSource

__all__ = ["SPEC", "XmlOptions", "XmlSource"]
