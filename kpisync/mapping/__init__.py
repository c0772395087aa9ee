"""From rows of a source to numbers under keys: the heart of a job, free of I/O."""
