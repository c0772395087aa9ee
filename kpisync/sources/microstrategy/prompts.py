"""Prompts of a report: which are open, and the job's answers to them.

Source: "Answer prompts" in the documentation of the REST API, since 2021 Update 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpisync.errors import SourceError
from kpisync.sources.microstrategy.failures import misread, part
from kpisync.sources.microstrategy.options import PromptAnswer, with_dates
from kpisync.sources.microstrategy.session import Session


def answered(
    session: Session, report: str, instance: str, answers: Mapping[str, PromptAnswer], dates: Mapping[str, str]
) -> None:
    """Answer the prompts that are open now; more may open by that. Raises SourceError that names those without one."""
    path, doing = f"/reports/{report}/instances/{instance}/prompts", "reading the prompts of the report"
    listed = session.get(path, doing)
    if not isinstance(listed, list):
        raise misread(doing, "they are no list", session.where)
    still_open = [prompt for prompt in listed if part(prompt, "closed") is not True]
    if not still_open:
        raise misread(doing, "it waits for answers, but no prompt is open", session.where)
    found = [(prompt, _answer(prompt, answers)) for prompt in still_open]
    if silent := [_called(prompt) for prompt, answer in found if answer is None]:
        what = f"the report has prompts without an answer: {', '.join(silent)}"
        hint = "Answer each under prompts, by name or key: {value: …}, {elements: […]}, {objects: …} or {default: true}"
        raise SourceError(what, where=session.where, hint=hint)
    body = [_written(prompt, answer, dates) for prompt, answer in found if answer is not None]
    session.put(f"{path}/answers", {"prompts": body}, "answering the prompts of the report")


def _answer(prompt: Any, answers: Mapping[str, PromptAnswer]) -> PromptAnswer | None:
    """By the prompt's key, which alone is unique, else by its id, else by its name."""
    names = (part(prompt, "key"), part(prompt, "id"), part(prompt, "name"))
    return next((answers[name] for name in names if name in answers), None)


def _called(prompt: Any) -> str:
    need = "required" if part(prompt, "required") is True else "optional"
    return f"{part(prompt, 'name')} ({part(prompt, 'type')}, {need}, key {part(prompt, 'key')})"


def _written(prompt: Any, answer: PromptAnswer, dates: Mapping[str, str]) -> dict[str, Any]:
    one = {"key": part(prompt, "key"), "type": part(prompt, "type")}
    if answer.default:
        return {**one, "useDefault": True}
    if answer.value is not None:
        return {**one, "type": "VALUE", "answers": with_dates(answer.value, dict(dates))}
    if answer.elements is not None:
        return {**one, "type": "ELEMENTS", "answers": [{"id": id} for id in answer.elements]}
    objects = answer.objects or {}
    return {**one, "type": "OBJECTS", "answers": [{"id": id, "type": kind} for id, kind in objects.items()]}
