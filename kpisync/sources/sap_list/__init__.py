"""Lists as SAP saves them."""

from kpisync.sources.sap_list.source import SPEC

__all__ = ["SPEC"]
