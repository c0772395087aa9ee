"""What may be wrong around a command, each with canaries where secrets stand, and the commands that meet it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from shop_floor import CONFIG, FIRST, Fault, Floor, places

BOARD, PROXY, SOURCE, STATE = (f'KANARI{name}Z9"é&/' for name in ("board", "proxy", "source", "state"))
CANARIES = (BOARD, PROXY, SOURCE, STATE)
ENVIRON = {
    "BOARD_PASSWORD": BOARD,
    "PROXY": f"http://somebody:{quote(PROXY, safe='')}@127.0.0.1:9",
    "SOURCE": f"postgresql://somebody:{quote(SOURCE, safe='')}@127.0.0.1:9/erp",
    "STATE": f"postgresql://somebody:{quote(STATE, safe='')}@127.0.0.1:9/kpisync",
    "BAD_SOURCE": f"oracle9+nothing://somebody:{quote(SOURCE, safe='')}@[bad",
    "KPISYNC_LOG": "debug",
}
ECHO = json.dumps({"message": BOARD, "authorization": base64.b64encode(f"sandbox:{BOARD}".encode()).decode()})
SQL = """\
  erp:
    source: {type: sql, url: "${env:SOURCE}", query: "SELECT 1 AS day, 2 AS team, 3 AS number"}
    map: {date: {column: day}, team: {column: team}, values: [{kpi: scrap, value: actual, column: number}]}
    destination: board
"""
KEY = f"board/scrap/line-1/actual/{FIRST}"
READING = (
    ("check",),
    ("check", "--online"),
    ("check", "--online", "--json"),
    ("preview", "actuals"),
    ("plan",),
    ("plan", "--json", "--out", "plan.json"),
    ("discover", "board"),
    ("status",),
    ("history",),
    ("history", "--json"),
    ("explain", KEY),
)
WRITING = (
    ("run",),
    ("run", "--json"),
    ("run", "erp"),
    ("backfill", "actuals", "--from", str(FIRST), "--to", str(FIRST)),
    ("discover", "board", "--write", "found.yaml"),
    ("state", "upgrade"),
    ("state", "backup", "copy.db"),
    ("state", "restore", "copy.db"),
    ("schema",),
    ("init", "begin"),
)


@dataclass(frozen=True)
class Circumstance:
    """`configured` changes the text of the configuration; `faults` befall the board."""

    name: str
    configured: Callable[[str], str] = str
    faults: tuple[Fault, ...] = ()
    password: str = BOARD  # what the board asks for


def _swap(old: str, new: str) -> Callable[[str], str]:
    def swapped(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return swapped


def _always(**fault: object) -> tuple[Fault, ...]:
    return (Fault.model_validate({"times": None, **fault}),)


PASSWORD = "password: ${env:BOARD_PASSWORD}"
CIRCUMSTANCES = (
    Circumstance("sound"),
    Circumstance("wrong-password", password="another"),
    Circumstance("echo-400", faults=_always(kind="status", status=400, body=ECHO)),
    Circumstance("echo-500", faults=_always(kind="status", status=500, body=ECHO)),
    Circumstance("echo-403-to-writes", faults=_always(kind="status", status=403, body=ECHO, method="PUT")),
    Circumstance("echo-in-200", faults=_always(kind="garbage", body=ECHO)),
    Circumstance(
        "redirect", faults=_always(kind="status", status=302, headers={"Location": f"http://x:{quote(BOARD)}@y/z"})
    ),
    Circumstance("portal", faults=_always(kind="garbage", body=f"<title>{BOARD}</title>")),
    Circumstance("no-answer", faults=_always(kind="drop-before")),
    Circumstance("stored-without-an-answer", faults=_always(kind="drop-after", method="PUT")),
    Circumstance("proxy-away", _swap(PASSWORD, PASSWORD + "\n    proxy: ${env:PROXY}")),
    Circumstance("erp-away", lambda text: text + SQL),
    Circumstance("erp-address", lambda text: text + SQL.replace("SOURCE", "BAD_SOURCE")),
    Circumstance("state-away", _swap("sqlite:///state/kpisync.db", "${env:STATE}")),
    Circumstance("state-address", _swap("sqlite:///state/kpisync.db", "x${env:STATE}")),
    Circumstance("unset", _swap("${env:BOARD_PASSWORD}", "${env:BOARD_PASSWORT}")),
    Circumstance("misspelt", _swap("password:", "pasword:")),
    Circumstance("list", _swap("${env:BOARD_PASSWORD}", '["${env:BOARD_PASSWORD}"]')),
    Circumstance("in-a-number", _swap("concurrency: 2", "concurrency: ${env:BOARD_PASSWORD}")),
    Circumstance("in-a-url", _swap("username: sandbox", "username: 'a:${env:BOARD_PASSWORD}'")),
    Circumstance("bracket", _swap("${env:BOARD_PASSWORD}", "[${env:BOARD_PASSWORD}")),
)


def arrange(place: Floor, circumstance: Circumstance) -> None:
    """The configuration and the board as the circumstance has them; the source states something new."""
    place.configure(settle="0s", timeout="0.5s")
    file = place.folder / "kpisync.yaml"
    text = file.read_text().replace("password: sandbox", PASSWORD)
    assert PASSWORD in text, CONFIG
    file.write_text(circumstance.configured(text))
    place.board.settings = place.board.settings.model_copy(update={"password": circumstance.password})
    place.board.faults = circumstance.faults
    place.state({at: Decimal(number) for number, at in enumerate(places(2), 1)})


def forms(canary: str) -> Iterator[str]:
    """The ways in which a canary may stand in a text; its middle is the same in most of them."""
    middle = canary.partition('"')[0]
    yield middle
    for before in ("", "x", "xx"):
        coded = base64.b64encode((before + middle).encode()).decode()
        yield coded[4:-4]
