"""What every adapter promises by its `AdapterSpec`; the suites for sources and destinations inherit it."""

# ruff: noqa: S101 - a suite asserts

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, TypeVar

from kpisync.errors import KpisyncError
from kpisync.fields import Options
from kpisync.ports import AdapterSpec

E = TypeVar("E", bound=Exception)


def skip(reason: str) -> NoReturn:
    """Leave out a rule that this adapter has no use for, and say why."""
    import pytest  # only a suite that runs needs it

    pytest.skip(reason)


def raised(kind: type[E], act: Callable[[], object], when: str) -> E:
    """The error of that kind that `act` ends with; anything else breaks the rule."""
    try:
        answer = act()
    except kind as error:
        return error
    raise AssertionError(f"{when}: expected {kind.__name__}, but it went on with {answer!r}")


def check_words(error: KpisyncError, when: str) -> None:
    """What happened in one line, and what to do next: a person reads it who has never seen the code."""
    assert error.what and "\n" not in str(error), f"{when}: {str(error)!r} does not say in one line what happened"
    assert error.hint, f"{when}: {str(error)!r} has no hint that says what to do next"


class SpecConformance:
    """One rule a method."""

    spec: ClassVar[AdapterSpec[Any]]
    options_of_kpisync: ClassVar[type[Options]] = Options

    def test_the_summary_is_one_line(self) -> None:
        summary = self.spec.summary
        assert summary and len(summary.splitlines()) == 1, f"the summary is {summary!r}"

    def test_the_options_are_derived_from_those_of_kpisync(self) -> None:
        wanted = self.options_of_kpisync
        assert issubclass(self.spec.options, wanted), f"{self.spec.options.__name__} is no {wanted.__name__}"
        extra = self.spec.options.model_config.get("extra")
        assert extra == "forbid", f"an unknown key must be an error; here it is {extra!r}"

    def test_type_is_not_one_of_the_options(self) -> None:
        names = {field.alias or name for name, field in self.spec.options.model_fields.items()}
        assert "type" not in names, "`type` names the adapter; the options cannot have a key of that name"

    def test_every_option_is_described(self) -> None:
        fields = self.spec.options.model_fields.items()
        silent = [name for name, field in fields if not field.description]
        assert not silent, f"these options have no description, which is their documentation: {', '.join(silent)}"

    def test_the_options_have_a_json_schema(self) -> None:
        schema = self.spec.options.model_json_schema()
        assert schema.get("type") == "object", f"the JSON Schema of the options is {schema}"
