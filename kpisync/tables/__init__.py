"""The reader core that all sources share: from raw records to a `model.Table`."""
