"""kpisync as it is and in deliberately broken builds, as a command and as a process that forks one quickly.

`python builds.py BUILD run --json` is the command of that build. `python builds.py BUILD` imports it once and then
carries out what comes on stdin, a line of JSON each, in a forked child: {"folder", "environ", "arguments", "waits"}. It
answers with a line when the child has begun, its process id. Then it waits for an empty line, so that until then no
other process can get that id, and answers when the child has ended with its exit code, or minus the number of the
signal that ended it.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import kpisync.app
import kpisync.cli.show  # these too are here so that a child need not import them
import kpisync.destinations.quantive
import kpisync.destinations.valuestreamer
import kpisync.sources.csv
import kpisync.state.open
import kpisync.sync.reconcile
from kpisync.app import App
from kpisync.cli.main import main
from kpisync.cli.session import Signals
from kpisync.config.secrets import Secrets
from kpisync.destinations.quantive.groups import Groups
from kpisync.destinations.quantive.snapshots import Snapshots
from kpisync.errors import StateError
from kpisync.model import Change, Intent, RecordKey, Reply, ReplyKind, ValueChange
from kpisync.ports import KeepsApart
from kpisync.state.store import Store
from kpisync.state.upgrade import SHIPPED, Schema, migrations_folder
from kpisync.sync.books import Books
from kpisync.sync.diff import Wanted


def sends_first() -> None:
    """Intents reach the disk with the outcomes, after their requests."""
    held_back: list[tuple[Books, Collection[Change], datetime]] = []
    record, flush = Books.intend, Books.flush

    def later(books: Books, changes: Collection[Change], settles: datetime) -> None:
        held_back.append((books, changes, settles))

    def both(books: Books) -> None:
        while held_back:
            record(*held_back.pop(0))
        flush(books)

    setattr(Books, "intend", later)  # noqa: B010 - a method, as a type checker would rightly complain
    setattr(Books, "flush", both)  # noqa: B010


def without_lock() -> None:
    """Two processes may run one job."""

    @contextmanager
    def no_lock(*_: object) -> Iterator[None]:
        yield

    setattr(kpisync.app, "job_lock", no_lock)  # noqa: B010


def leaves_at_once() -> None:
    """A signal ends the process where it stands, with the right exit code."""
    setattr(Signals, "_ask", lambda self, number, frame: os._exit(128 + number))  # noqa: B010


def deaf() -> None:
    """A signal is not heard."""
    setattr(Signals, "_ask", lambda self, number, frame: None)  # noqa: B010


def hopes_for_the_best() -> None:
    """What cannot be recorded is sent all the same."""
    intend = Store.intend

    def try_to(store: Store, run: str, intents: Collection[Intent], settles: datetime) -> None:
        with suppress(StateError):
            intend(store, run, list(intents), settles)

    setattr(Store, "intend", try_to)  # noqa: B010


def begins_anew() -> None:
    """What was in doubt is forgotten at the start."""
    setattr(Store, "in_doubt", lambda store, destination: [])  # noqa: B010


def talks() -> None:
    """Secrets are not struck out."""
    setattr(Secrets, "redact", lambda self, text: text)  # noqa: B010


def plans_in_earnest() -> None:
    """A plan is a run."""
    setattr(App, "plan", App.run)  # noqa: B010


def posts_blindly() -> None:
    """A snapshot whose post has no answer is posted again."""
    post = Snapshots._post

    def twice(snapshots: Snapshots, key: RecordKey, value: ValueChange, groups: Groups) -> Reply:
        reply = post(snapshots, key, value, groups)
        return post(snapshots, key, value, groups) if reply.kind is ReplyKind.UNKNOWN else reply

    setattr(Snapshots, "_post", twice)  # noqa: B010


def deletes_anything() -> None:
    """A snapshot of anybody may be deleted."""

    def found(wanted: Wanted, stands: Decimal | None, apart: KeepsApart | None) -> str | None:
        return apart.remote_id(wanted.key) if apart else None

    setattr(kpisync.sync.reconcile, "_ours", found)  # noqa: B010
    setattr(kpisync.sync.reconcile, "_is_foreign", lambda *_: False)  # noqa: B010


NEXT = """\
import sqlalchemy as sa
from alembic import op
revision, down_revision = "next", "{head}"
def upgrade():
    op.add_column("job", sa.Column("colour", sa.String))
    op.execute("UPDATE job SET colour = 'blue'")
    with op.batch_alter_table("reject") as batch:
        batch.add_column(sa.Column("weight", sa.Integer))
    op.create_table("shade", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String))
    op.execute("INSERT INTO shade (name) SELECT name FROM job")
"""


def of_tomorrow() -> None:
    """One more migration: a column, a table built anew, and data that moves."""
    folder = Path(mkdtemp()) / "migrations"
    shutil.copytree(migrations_folder(), folder)
    (folder / "versions" / "rev_next.py").write_text(NEXT.format(head=SHIPPED.head))
    schema = Schema((*SHIPPED.revisions, "next"), folder)
    kpisync.state.open.upgrade_store = partial(kpisync.state.open.upgrade_store, schema=schema)


BUILDS: dict[str, Callable[[], None]] = {
    "sound": lambda: None,
    "sends-first": sends_first,
    "without-lock": without_lock,
    "leaves-at-once": leaves_at_once,
    "deaf": deaf,
    "hopes-for-the-best": hopes_for_the_best,
    "begins-anew": begins_anew,
    "talks": talks,
    "plans-in-earnest": plans_in_earnest,
    "of-tomorrow": of_tomorrow,
    "posts-blindly": posts_blindly,
    "deletes-anything": deletes_anything,
}


_PR_SET_PTRACER = 0x59616D61  # any process of this user may trace it; some systems allow that to its ancestors only


def serve() -> None:
    """Until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _carry_out(json.loads(line))
        print(child, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _carry_out(order: Mapping[str, object]) -> None:
    """In a child: the command, with its output in the files `out` and `err` of its folder.

    With `waits` it begins when something is written to the named pipe `go` there.
    """
    folder = Path(str(order["folder"]))
    os.chdir(folder)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if order["waits"]:
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))
        (folder / "go").read_bytes()
    os.environ.update(dict(order["environ"]))  # type: ignore[call-overload]
    sys.argv = ["kpisync", *map(str, order["arguments"])]  # type: ignore[call-overload]
    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(int(ended.code or 0))
    finally:
        os._exit(99)  # an exception that main let through


if __name__ == "__main__":
    BUILDS[sys.argv[1]]()
    if len(sys.argv) > 2:
        del sys.argv[1]
        main()
    else:
        serve()
