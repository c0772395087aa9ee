"""All that decides what becomes of a row, as one text: if it changes, every row is mapped again."""

from __future__ import annotations

import hashlib

from kpisync import __version__
from kpisync.config.loaded import JobConfig, Loaded


def fingerprint(job: JobConfig, loaded: Loaded) -> str:
    """A digest of the job, of the lookups and calendars, its catalog, where it sends to, and this version of kpisync.

    It holds no secrets.
    """
    destination = loaded.destinations[job.destination]
    parts = (
        __version__,
        job.name,
        job.digest,
        job.map.model_dump_json(),
        destination.type,
        destination.options.model_dump_json(),
        repr(loaded.catalogs.get(job.destination)),
        repr(sorted((name, sorted(lookup.items())) for name, lookup in loaded.lookups.items())),
        repr(sorted(loaded.calendars.items())),
        repr(sorted(loaded.workdays.items())),
        str(loaded.settings.timezone if loaded.settings else ""),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
