"""KPIs in the stand-in of Quantive or Gtmhub: created, changed, deleted, listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kpisync.sandbox.platform import Refusal, Response
from kpisync.sandbox.quantive import filter
from kpisync.sandbox.quantive.call import Call, object_id
from kpisync.sandbox.quantive.directory import FOLDERS, USER, with_defaults
from kpisync.sandbox.quantive.store import Kpi, Projection
from kpisync.support.json import dumps

_KINDS: Mapping[str, type] = {
    "name": str,
    "description": str,
    "aggregation": str,
    "targetOperator": str,
    "formatting": dict,
    "groups": list,
    "groupsOrder": str,  # an artefact of the documentation: taken, and nothing becomes of it
    "ownerId": str,
    "ownerIds": list,
    "insight": dict,
}
_WORDS: Mapping[str, tuple[str, ...]] = {  # average and should_increase are documented, the others are guesses
    "aggregation": ("last", "sum", "average"),
    "targetOperator": ("should_increase", "should_decrease"),
}


# ---------------------------------------------------------------- one


def create(call: Call) -> Response:
    given = _attributes(call.body())
    if not given.get("name"):
        raise Refusal(400, "A KPI needs a name.")
    kpi = Kpi(
        id=call.store.new_id(call.now),
        attributes=with_defaults(given),
        account=None if call.account == call.settings.account else call.account,
        author=USER,
        created=call.now,
        changed=call.now,
        changed_by=USER,
    )
    call.store.kpis[kpi.id] = kpi
    return Response(201, dumps(document(call, kpi)).encode())


def change(call: Call, kpi: Kpi) -> Response:
    """What is not given stays. No public document shows the answer's body, so it is empty."""
    _change(call, kpi, call.body())
    return Response(200)


def change_many(call: Call) -> Response:
    """All of them or none. No public document shows the body: here it is a list of `{"id": …}` with attributes."""
    body = call.body()
    if not isinstance(body, list) or not all(isinstance(item, dict) and "id" in item for item in body):
        raise Refusal(400, 'The body must be [{"id": …, "name": …}, …], each with what shall change.')
    changes = [(call.kpi(str(item["id"])), {name: item[name] for name in item if name != "id"}) for item in body]
    for _, given in changes:
        _changes(given)
    for kpi, given in changes:
        _change(call, kpi, given)
    return Response(204)


def _change(call: Call, kpi: Kpi, body: Any) -> None:
    attributes = {**kpi.attributes, **_changes(body)}
    call.store.kpis[kpi.id] = replace(kpi, attributes=attributes, changed=call.now, changed_by=USER)


def _changes(body: Any) -> dict[str, Any]:
    given = _attributes(body)
    if "insight" in given:
        raise Refusal(400, "The sandbox does not change insight: no public document shows how that is written.")
    if given.get("name") == "":
        raise Refusal(400, "A KPI needs a name.")
    return given


def _attributes(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refusal(400, 'The body must be a JSON object such as {"name": …}.')
    for name, value in body.items():
        if name not in _KINDS or not isinstance(value, _KINDS[name]):
            raise Refusal(400, f"{name[:80]!r} is unknown, or not of its kind.")
        if name in _WORDS and value not in _WORDS[name]:
            raise Refusal(400, f"{name} {str(value)[:80]!r} is none of {', '.join(_WORDS[name])}.")
    owner = {"ownerIds": [body["ownerId"]]} if "ownerId" in body else {}
    return owner | {name: body[name] for name in body if name not in ("ownerId", "groupsOrder")}


def document(call: Call, kpi: Kpi) -> dict[str, Any]:
    """As it is read: `insight` is `insightLink`, and there is no current value."""
    attributes = dict(kpi.attributes)
    insight = attributes.pop("insight", None)
    return {
        "id": kpi.id,
        "accountId": kpi.account or call.settings.account,
        **attributes,
        **({} if insight is None else {"insightLink": insight}),
        "ownerId": attributes["ownerIds"][0] if attributes["ownerIds"] else "",
        "createdById": kpi.author,
        "modifiedById": kpi.changed_by,
        "dateCreated": kpi.created.isoformat(),
        "dateUpdated": kpi.changed.isoformat(),
        "isOwner": USER in attributes["ownerIds"],
        "currentUserAllowedActions": [],
        "links": {"expanded": {"goals": [], "kpis": [], "metrics": [], "sessions": []}},
        "projections": [projection(entry) for entry in call.store.projections(kpi.id)],
    }


def projection(entry: Projection) -> dict[str, Any]:
    return {
        "id": entry.id,
        "date": entry.day.isoformat(),
        "value": entry.value,
        "dateCreated": entry.created.isoformat(),
        "dateModified": entry.changed.isoformat(),
        "createdById": entry.author,
        "modifiedById": entry.changed_by,
    }


# ---------------------------------------------------------------- many


def listed(call: Call) -> Response:
    """`count` is read as the number on this page."""
    found = _found(call)
    items = filter.page(found, call.query)
    if "fields" in call.query:
        names = {"id", *(name.strip() for name in call.query["fields"].split(","))}
        items = [{name: item[name] for name in item if name in names} for item in items]
    return _collection(items, len(found))


def _found(call: Call) -> list[dict[str, Any]]:
    """All that the query asks for, in its order."""
    documents = [document(call, kpi) for kpi in call.kpis()]
    if "filter" in call.query and call.settings.kpi_filter == "applied":
        documents = filter.filtered(documents, call.query["filter"])
    return filter.sorted_by(documents, call.query["sort"]) if "sort" in call.query else documents


def chosen(call: Call) -> list[Kpi]:
    """One page of the KPIs that the query asks for in the words of the v2 API."""
    return [call.store.kpis[item["id"]] for item in filter.page(_found(call), call.query)]


def named(call: Call) -> list[Kpi]:
    """Those that the query asks for in the words of the v1 API; an id that is not there is passed over."""
    asked = {"ids", "groupIds", "ungrouped", "mykpis"} & call.query.keys()
    if not asked:
        raise Refusal(400, "The query must name KPIs: ids, groupIds, ungrouped or mykpis.")
    ids = {object_id("KPI", id.strip()) for id in call.query["ids"].split(",")} if "ids" in asked else set()
    groups = {id.strip() for id in call.query.get("groupIds", "").split(",")}
    ungrouped, own = (_flag(name, call.query.get(name, "false")) for name in ("ungrouped", "mykpis"))
    return [
        kpi
        for kpi in call.kpis()
        if kpi.id in ids
        or groups.intersection(kpi.attributes["groups"])
        or (ungrouped and not kpi.attributes["groups"])
        or (own and USER in kpi.attributes["ownerIds"])
    ]


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise Refusal(400, f"{name} {text[:80]!r} is neither true nor false.")
    return text == "true"


def fed_by(call: Call, insight: str) -> Response:
    """No public document shows the answer; here it is that of a list."""
    fed = [kpi for kpi in call.kpis() if kpi.attributes.get("insight", {}).get("insightName") == insight]
    if not fed:
        raise Refusal(404, "There is no such insight.")
    return _collection([document(call, kpi) for kpi in fed], len(fed))


def folders(call: Call) -> Response:
    return _collection([_folder(call, id) for id in FOLDERS], len(FOLDERS))


def folder(call: Call, id: str) -> Response:
    if object_id("KPI group", id) not in FOLDERS:
        raise Refusal(404, "There is no such KPI group.")
    return Response(200, dumps(_folder(call, id.lower())).encode())


def _folder(call: Call, id: str) -> dict[str, Any]:
    return {"id": id, "accountId": call.account, "name": FOLDERS[id], "favorite": False}


def _collection(items: list[dict[str, Any]], total: int) -> Response:
    return Response(200, dumps({"count": len(items), "items": items, "totalCount": total}).encode())
