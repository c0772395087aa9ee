"""The calls that the stand-in of MicroStrategy answers, each a function of who asks and the ids in its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kpisync.sandbox.microstrategy import failures
from kpisync.sandbox.microstrategy.call import Call, as_json
from kpisync.sandbox.microstrategy.content import PROJECT, PROJECT_ID, Cube, Dashboard, Dataset, Kpi, Report
from kpisync.sandbox.microstrategy.failures import Failure, KpiFailure, no_object
from kpisync.sandbox.microstrategy.grid import Asked, grid
from kpisync.sandbox.microstrategy.sessions import Instance
from kpisync.sandbox.platform import Response

_READY, _PROMPT, _FAILED, _RUNNING = 1, 2, 3, 4
_RANGES = frozenset({"1p", "1d", "1w", "1m", "1qt", "1y", "ytd", "all", "nodata"})
_FILTERS = {"requestedObjects", "viewFilter", "metricLimits", "sorting", "currentPageBy"}


# ---------------------------------------------------------------- sessions and projects


def _log_in(call: Call) -> Response:
    known = ("loginMode", "username", "password", "applicationType", "maxSearch", "workingSet")
    return call.sessions.log_in(call.body(*known), call.settings)


def _delegate(call: Call) -> Response:
    return call.sessions.delegate(call.body("loginMode", "identityToken"), call.settings)


def _log_out(call: Call) -> Response:
    return call.sessions.log_out(call.session)


def _identity(call: Call) -> Response:
    return call.sessions.identity(call.session)


def _session(call: Call) -> Response:
    seconds = int(call.settings.session_timeout.total_seconds())
    return as_json({"locale": 1033, "workingSet": call.settings.working_set, "timeout": seconds, **_user(call)})


def _keep_alive(call: Call) -> Response:
    _ = call.session
    return Response(204)


def _user(call: Call) -> dict[str, str]:
    return {"id": "0" * 32, "fullName": call.session.user, "initials": call.session.user[:1].upper()}


def _projects(call: Call) -> Response:
    _ = call.session
    return as_json([{"id": PROJECT_ID, "name": PROJECT, "alias": "", "description": "", "status": 0}])


# ---------------------------------------------------------------- cubes and reports


def _new_cube(call: Call, id: str) -> Response:
    return _new(call, call.thing(Cube, "cube", id), id)


def _new_report(call: Call, id: str) -> Response:
    return _new(call, call.thing(Report, "report", id), id)


def _new(call: Call, shown: Cube | Report, id: str) -> Response:
    session, window, body = call.in_project(), call.window(), call.body(*_FILTERS)
    if isinstance(shown, Cube) and not shown.published:
        raise Failure(500, 2, "The cube is not published.", failures.NOT_PUBLISHED)
    instance = Instance(call.sessions.new_id(), id, shown, _asked(shown, body), call.settings.polls)
    session.keep(instance, call.settings.working_set)
    if "respond-async" in call.request.headers.get("Prefer", ""):
        return as_json({"instanceId": instance.id, "status": _RUNNING}, 202)
    return _shown(instance, window)


def _asked(shown: Dataset, body: Mapping[str, Any]) -> Asked:
    """Null or nothing is everything; an empty object is nothing."""
    wanted = body.get("requestedObjects")
    if wanted is None:
        return Asked.all_of(shown)
    places = {
        "attributes": [attribute.id for attribute in shown.attributes],
        "metrics": [metric.id for metric in shown.metrics],
    }
    found: dict[str, tuple[int, ...]] = {}
    for name, ids in places.items():
        for item in wanted.get(name) or []:
            if item.get("id") not in ids:
                raise Failure(400, 6, f"Invalid {name[:-1]} id - {item.get('id')}.")
        found[name] = tuple(ids.index(item["id"]) for item in wanted.get(name) or [])
    return Asked(**found)


def _read(call: Call, of: str, id: str) -> Response:
    return _shown(call.instance(of, id), call.window())


def _shown(instance: Instance, window: tuple[int, int]) -> Response:
    shown = instance.shows
    if not isinstance(shown, Cube | Report):
        raise no_object("report", instance.of)
    status = _status(instance)
    head = {"id": instance.of, "name": shown.name, "instanceId": instance.id, "status": status}
    if status == _FAILED:
        head["message"] = "The warehouse is not reached."
    return as_json({**head, **grid(shown, instance.asked, *window)} if status == _READY else head)


def _status(instance: Instance) -> int:
    """Each look counts."""
    shown = instance.shows
    if getattr(shown, "prompted", False) or (isinstance(shown, Report) and _open_prompts(shown, instance)):
        return _PROMPT
    if instance.polls:
        instance.polls -= 1
        return _RUNNING
    return _FAILED if getattr(shown, "fails", False) else _READY


# ---------------------------------------------------------------- prompts


def _open_prompts(report: Report, instance: Instance) -> list[str]:
    done = instance.answered
    return [each.key for each in report.prompts if each.key not in done and (each.after is None or each.after in done)]


def _prompts(call: Call, of: str, id: str) -> Response:
    instance, report = call.instance(of, id), call.thing(Report, "report", of)
    still_open = _open_prompts(report, instance)
    shown = [prompt for prompt in report.prompts if prompt.key in still_open or prompt.key in instance.answered]
    parts = {"key", "id", "name", "type", "required"}
    return as_json([{**each.model_dump(include=parts), "closed": each.key not in still_open} for each in shown])


def _answers(call: Call, of: str, id: str) -> Response:
    instance, report = call.instance(of, id), call.thing(Report, "report", of)
    known = {prompt.key: prompt for prompt in report.prompts}
    for answer in call.body("prompts").get("prompts") or []:
        prompt = known.get(answer.get("key"))
        if prompt is None or answer.get("type") != prompt.type:
            raise Failure(400, 6, f"There is no prompt {answer.get('key')} of type {answer.get('type')}.")
        if answer.get("useDefault") is True:
            if not prompt.default:
                raise Failure(400, 6, f"The prompt {prompt.name} has no default answer.")
        elif prompt.required and not answer.get("answers"):
            raise Failure(400, 6, f"The prompt {prompt.name} is required.")
        instance.answered.add(prompt.key)
    return Response(204)


# ---------------------------------------------------------------- dashboards


def _definition(call: Call, id: str) -> Response:
    call.in_project()
    found = call.thing(Dashboard, "dashboard", id)
    chapters: dict[str, dict[str, list[dict[str, str]]]] = {}
    for each in found.visualizations:
        shown = {"key": each.key, "name": each.name}
        chapters.setdefault(each.chapter, {}).setdefault(each.page, []).append(shown)
    listed = [
        {
            **_named(chapter),
            "filters": [],
            "pages": [{**_named(page), "visualizations": shown_on} for page, shown_on in pages.items()],
        }
        for chapter, pages in chapters.items()
    ]
    return as_json({"id": id, "name": found.name, "chapters": listed})


def _named(name: str) -> dict[str, str]:
    return {"key": f"W{name.encode().hex().upper()}", "name": name}


def _new_dashboard(call: Call, id: str) -> Response:
    session, found = call.in_project(), call.thing(Dashboard, "dashboard", id)
    call.body("filters")
    instance = Instance(call.sessions.new_id(), id, found, Asked((), ()), call.settings.polls)
    session.keep(instance, call.settings.working_set)
    return as_json({"mid": f"{instance.id} ", "status": _status(instance)}, 201)  # a documented sample has such a blank


def _dashboard_status(call: Call, of: str, id: str) -> Response:
    return as_json({"id": of, "mid": id, "status": _status(call.instance(of, id))})


def _free(call: Call, of: str, id: str) -> Response:
    instance = call.instance(of, id)
    del call.session.instances[instance.id]
    return Response(204)


def _visualization(call: Call, of: str, id: str, chapter: str, key: str) -> Response:
    instance, found = call.instance(of, id), call.thing(Dashboard, "dashboard", of)
    if instance.polls:
        raise Failure(500, 2, "The dashboard is still running.")
    for each in found.visualizations:
        if each.key == key and chapter == _named(each.chapter)["key"]:
            return as_json({"key": key, "name": each.name, **grid(each, Asked.all_of(each), *call.window())})
    raise no_object("visualization", key)


# ---------------------------------------------------------------- KPIs


def _kpi(call: Call, id: str) -> Response:
    call.in_project()
    found = call.things.get(id)
    if not isinstance(found, Kpi):
        what = f"Object with ID {id[:40]} and type 83 (KPI) is not found in this project."
        raise KpiFailure(404, what, failures.NO_OBJECT)
    query = call.query("dataRangeUnit", "compareWith", "dataAggregateLevel", "includeFilter")
    span = query.get("dataRangeUnit", "nodata")
    if span not in _RANGES:
        raise KpiFailure(400, f"dataRangeUnit {span[:40]} is not supported.", -2147024809)
    shown = {"id": id, "projectId": PROJECT_ID, "name": found.name, "disabled": False}
    points = sorted(found.points, key=lambda point: point[0], reverse=True)  # their order is not documented
    if span == "1p":
        points = points[:1]
    listed = [{"rawValue": value, "formattedValue": f"~{value}", "timestamp": at} for at, value in points]
    return as_json(shown if span == "nodata" else {**shown, "data": {"dataPoints": listed}})


ROUTES: Mapping[str, Mapping[str, Callable[..., Response]]] = {
    "auth/login": {"POST": _log_in},
    "auth/delegate": {"POST": _delegate},
    "auth/logout": {"POST": _log_out},
    "auth/identityToken": {"POST": _identity},
    "sessions": {"GET": _session, "PUT": _keep_alive},
    "projects": {"GET": _projects},
    "v2/cubes/*/instances": {"POST": _new_cube},
    "v2/cubes/*/instances/*": {"GET": _read},
    "v2/reports/*/instances": {"POST": _new_report},
    "v2/reports/*/instances/*": {"GET": _read},
    "reports/*/instances/*/prompts": {"GET": _prompts},
    "reports/*/instances/*/prompts/answers": {"PUT": _answers},
    "dossiers/*/definition": {"GET": _definition},
    "dossiers/*/instances": {"POST": _new_dashboard},
    "documents/*/instances/*/status": {"GET": _dashboard_status},
    "documents/*/instances/*": {"DELETE": _free},
    "v2/dossiers/*/instances/*/chapters/*/visualizations/*": {"GET": _visualization},
    "insight/KPIs/*": {"GET": _kpi},
}
