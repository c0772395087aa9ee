"""The rulers around the table of an SAP list: what stands between them says whether header and file are whole."""

from __future__ import annotations

from kpisync.errors import SourceError
from kpisync.tables.account import Account


class Frame:
    """Told of rows and rulers in their order.

    With `one_line_header`, two lines between the first rulers are a SourceError: the second would be taken for a row.
    """

    def __init__(self, account: Account, *, one_line_header: bool) -> None:
        self._account, self._one_line_header = account, one_line_header
        self._first = self._last = 0  # lines of rows
        self._opened = self._closed = False  # by a ruler above the first row, and below the last one

    @property
    def has_rows(self) -> bool:
        """Whether there was a row below the header."""
        return self._last > self._first

    def ruler(self) -> None:
        self._opened = self._opened or not self._first
        self._closed = True

    def row(self, number: int) -> None:
        if not self._first:
            self._first = number
        elif self._one_line_header and self._opened and not self._closed and not self.has_rows:
            raise SourceError(
                f"lines {self._first} and {number} stand together between rulers, where one line should be the header",
                where=self._account.at(self._first),
                hint="A list whose records take several lines cannot be read: save it with one line for each; "
                "if one of these lines is the whole header, declare header.find with names from it",
            )
        self._last, self._closed = number, False

    def end(self) -> None:
        """A list that a ruler opens and none closes is a SourceError."""
        if self._last and self._opened and not self._closed:
            raise SourceError(
                "no ruler closes the list below this row, its last one, so the file may be cut",
                where=self._account.at(self._last),
                hint="Save the list again, or set last_line: accept if it always ends so",
            )
