"""All that decides what becomes of a row, as one text: if it changes, every row is mapped again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from kpisync import __version__
from kpisync.config.loaded import JobConfig, Loaded


@dataclass
class Fingerprints:
    """Of the jobs of one configuration; what jobs of a destination share is put into words once."""

    loaded: Loaded
    _shared: dict[str, str] = field(default_factory=dict)

    def of(self, job: JobConfig) -> str:
        """A digest of the job, the lookups and calendars, its catalog, where it sends to, and this version of kpisync.

        It holds no secrets.
        """
        if job.destination not in self._shared:
            self._shared[job.destination] = self._shared_at(job.destination)
        parts = (__version__, job.name, job.digest, job.map.model_dump_json(), self._shared[job.destination])
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _shared_at(self, name: str) -> str:
        loaded, destination = self.loaded, self.loaded.destinations[name]
        parts = (
            destination.type,
            destination.options.model_dump_json(),
            repr(loaded.catalogs.get(name)),
            repr(sorted((name, sorted(lookup.items())) for name, lookup in loaded.lookups.items())),
            repr(sorted(loaded.calendars.items())),
            repr(sorted(loaded.workdays.items())),
            str(loaded.settings.timezone if loaded.settings else ""),
        )
        return "\0".join(parts)
