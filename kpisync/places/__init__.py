"""Where the files of a source lie: found, fetched if they are elsewhere, unpacked if they are in an archive."""
