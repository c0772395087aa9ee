"""What a user writes of one value: where its number comes from, and what is done to it before it is sent."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, RootModel, model_validator

from kpisync.fields import Options
from kpisync.mapping.durations import Unit
from kpisync.model import NumberFormat
from kpisync.tables.numbers import BadNumber, parse_number


def _of_sane_size(number: Decimal) -> Decimal:
    """No larger, and of no more digits, than a cell may be."""
    try:
        return parse_number(number, NumberFormat()) or Decimal(0)
    except BadNumber as bad:
        raise ValueError(str(bad)) from None


def _no_zero(number: Decimal) -> Decimal:
    if not number:
        raise ValueError("a factor of 0 would make every number 0")
    return number


Number = Annotated[Decimal, AfterValidator(_of_sane_size)]
Factors = dict[str, Annotated[Number, AfterValidator(_no_zero)]]


class CellRef(Options):
    """A key part taken from a column, through a lookup if one is named."""

    column: str
    lookup: str | None = Field(None, description="the lookup that turns the cell into a catalog name or id")


class Aggregate(StrEnum):
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    FIRST = "first"
    COUNT = "count"


class DurationOptions(Options):
    """A time as a number: the unit that is sent, and what the cell holds."""

    unit: Unit = Field(description="the unit that is sent: days, hours, minutes or seconds")
    from_: Unit | Literal["time", "duration"] = Field(
        "time",
        alias="from",
        description="time: a time of day, since midnight (14:43, 14:43:30); duration: a length of time (26:30 is hours "
        "and minutes, 2 days 04:46:24, PT1H30M); or the unit of a number: days, hours, minutes, seconds",
    )


class SignOptions(Options):
    """The sign of a number, told by another column such as S/H or debit and credit."""

    column: str
    negative: list[str] = Field(min_length=1, description="cells that make the number negative")
    positive: list[str] = Field(min_length=1, description="cells that leave it as it is; any other is rejected")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := {*self.negative} & {*self.positive}:
            raise ValueError(f"{min(both)!r} is both negative and positive")
        return self


class UnitOptions(Options):
    """Quantities of different units in one column, each made one of the same unit before anything is summed."""

    column: str
    factors: Factors | None = Field(
        None, min_length=1, description="unit → factor, such as {KG: 1, G: 0.001}; a row with any other is rejected"
    )
    table: str | None = Field(None, description="or a name under `units`, where such factors stand for several jobs")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.factors is None) == (self.table is None):
            raise ValueError("give either factors or table")
        return self


class UnitTable(RootModel[Factors]):
    """Unit → factor, shared by several jobs."""


class CumulativeOptions(Options):
    """How readings that count from the beginning of a month or year on become values of single periods."""

    since: Literal["month", "year"] = Field(description="the readings begin again with each month, or year")
    gaps: Literal["reject", "to_last"] = Field(
        "reject",
        description="where the reading before is missing: reject the value; or to_last: all that came since the last "
        "reading counts for the later period",
    )
    workdays: str | None = Field(
        None, description="of `workdays`: no reading is missing for a period in which nobody works"
    )
    calendar: str | None = Field(
        None, description="of `calendars`: whose months or years the readings count from; default: that of the KPI"
    )


class FillOptions(Options):
    """What is sent for a day without any row, where that is a statement."""

    with_: Number = Field(alias="with", description="the number to send for a period without any row, such as 0")
    workdays: str = Field(description="of `workdays`: only a period in which somebody works is filled")
    teams: list[str] | None = Field(
        None, min_length=1, description="catalog names or ids; default: the map's team, or all that its lookup names"
    )
    from_: Literal["first_row", "lookback"] = Field(
        "first_row",
        alias="from",
        description="from the day of the first row that was read on; or lookback: as far back as the run looks, for a "
        "source that surely holds all of that",
    )
    until: Literal["last_row", "yesterday"] = Field(
        "last_row",
        description="until the day of the last row that was read; or yesterday, for a source that is complete by then",
    )

    @model_validator(mode="before")
    @classmethod
    def _more_than_a_number(cls, value: Any) -> Any:
        if isinstance(value, str | int | float | Decimal):
            raise ValueError("a number alone does not say for which days: {with: 0, workdays: plant-1}")
        return value


class ValueOptions(Options):
    """One value of each row."""

    kpi: str | CellRef = Field(description="a catalog name, an id, or a column")
    value: str | CellRef = Field(description="the value kind: a catalog name, an id, or a column")
    column: str | None = Field(None, description="the column with the number")
    constant: Number | None = Field(None, description="a fixed number instead of a column")
    numerator: str | None = Field(
        None, description="with denominator: the sum of this column over the period, divided by the sum of that one"
    )
    denominator: str | None = Field(
        None, description="the other column of a ratio; where its sum is 0, there is no value"
    )
    team: str | CellRef | None = Field(None, description="instead of the team of the whole map")
    sub_tile: str | CellRef | None = Field(None, description="instead of the sub-tile of the whole map")
    as_: Unit | DurationOptions | None = Field(
        None,
        alias="as",
        description="minutes (days, hours, seconds): a time of day such as 14:43, sent as minutes since midnight; "
        "{unit: minutes, from: duration}: a length of time",
    )
    sign: Literal[-1, 1] | SignOptions = Field(
        1, description="-1: the source states it with the opposite sign; or the column that tells the sign of each row"
    )
    unit: UnitOptions | None = Field(None, description="the column with each row's unit, and what it is worth")
    zero_is_null: bool = Field(False, description="true: a 0 means that nothing was entered yet")
    scale: Number = Field(Decimal(1), description="a factor, applied after aggregation")
    decimals: int | None = Field(None, ge=0, le=12, description="round half away from zero to so many decimals")
    aggregate: Aggregate | None = Field(
        None, description="how several rows of one period become one number; without a column, count counts rows"
    )
    cumulative: Literal["mtd", "ytd"] | CumulativeOptions | None = Field(
        None,
        description="the numbers count from the beginning of the month (mtd) or year (ytd) on; a value is what was "
        "added since the reading before. {since: year, workdays: plant-1}: and what a gap is",
    )
    fill_missing: FillOptions | None = Field(
        None, description="for counts of events: what to send for a workday without any row; otherwise it is absent"
    )
    min: Number | None = Field(None, description="a smaller number, as it would be sent, is rejected")
    max: Number | None = Field(None, description="a larger number, as it would be sent, is rejected")

    @property
    def is_ratio(self) -> bool:
        return self.numerator is not None

    @property
    def combines(self) -> bool:
        """Whether several rows of one period become one number."""
        return self.aggregate is not None or self.is_ratio

    @property
    def readings(self) -> CumulativeOptions | None:
        """How its numbers are readings that count from a beginning; None if they are not."""
        if isinstance(self.cumulative, str):
            return CumulativeOptions(since="month" if self.cumulative == "mtd" else "year")
        return self.cumulative

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its number is read from."""
        return tuple(name for name in (self.column, self.numerator, self.denominator) if name is not None)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.numerator is None) != (self.denominator is None):
            raise ValueError("a ratio needs numerator and denominator")
        if self.is_ratio:
            if self.column is not None or self.constant is not None or self.aggregate is not None:
                raise ValueError("a ratio has numerator and denominator, and no column, constant or aggregate")
        elif self.aggregate is Aggregate.COUNT:
            if self.constant is not None or self.as_ is not None or self.unit or self.sign != 1:
                raise ValueError(
                    "count counts rows, or the filled cells of a column; constant, as, unit and sign mean nothing to it"
                )
        elif (self.column is None) == (self.constant is None):
            raise ValueError("a value needs either column or constant, or numerator and denominator")
        if self.constant is not None and (self.as_ is not None or self.unit or self.sign != 1):
            raise ValueError("as, unit and sign belong to a cell; write the constant as the number to send")
        if self.as_ is not None and self.unit:
            raise ValueError("as names the unit of a time; unit is for other quantities")
        return self

    @model_validator(mode="after")
    def _readings_of_amounts(self) -> Self:
        if self.cumulative is not None:
            if self.constant is not None or self.fill_missing is not None:
                raise ValueError("cumulative takes readings apart; constant and fill_missing mean nothing to it")
            if self.aggregate in (Aggregate.MEAN, Aggregate.COUNT):
                raise ValueError(f"a {self.aggregate} of readings cannot be taken apart; use sum, last or max")
        return self

    @model_validator(mode="after")
    def _fills_what_it_names(self) -> Self:
        if self.fill_missing is None:
            return self
        if self.constant is not None or self.is_ratio or self.aggregate not in (None, Aggregate.SUM, Aggregate.COUNT):
            raise ValueError(
                "fill_missing is for counts, sums and single rows; a mean or a ratio of no rows is no number"
            )
        if isinstance(self.kpi, CellRef) or isinstance(self.value, CellRef) or isinstance(self.sub_tile, CellRef):
            raise ValueError("fill_missing needs kpi, value and sub_tile by name: no row tells them")
        return self

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is larger than max {self.max}")
        return self
