"""What a platform has is laid beside a catalog: entries are the same by id, and the catalog's names stay."""

from __future__ import annotations

from kpisync.catalogs.graft import plain, rendered
from kpisync.catalogs.merge import Discovered, merged
from kpisync.model import Aggregation, Catalog, CatalogKpi, Interval
from kpisync.ports import MetaKpi

SCRAP = MetaKpi("k1", "Scrap", Interval.DAY, "DAY", {"v1": "actual", "v2": "target"})


def test_only_what_is_missing_is_added() -> None:
    known = Catalog({"one": "t1"}, {"scrap": CatalogKpi("scrap", "k1", Interval.DAY, {"actual": "v1"})})
    merge = merged(Discovered({"t1": "Line 1", "t2": "Line 2"}, [SCRAP]), known)
    assert plain(merge.tree) == {"teams": {"Line 2": "t2"}, "kpis": {"scrap": {"values": {"target": "v2"}}}}
    assert merge.added == ["team Line 2", "value target of KPI scrap"]


def test_with_all_that_there_is_the_names_of_the_catalog_stay() -> None:
    known = Catalog({"one": "t1"}, {"scrap": CatalogKpi("scrap", "k1", Interval.DAY, {"Ist": "v1"})})
    merge = merged(Discovered({"t1": "Line 1"}, [SCRAP]), known, whole=True)
    assert plain(merge.tree) == {
        "teams": {"one": "t1"},
        "kpis": {"scrap": {"id": "k1", "interval": "day", "values": {"Ist": "v1", "target": "v2"}}},
    }


def test_a_new_name_never_takes_that_of_another_id() -> None:
    merge = merged(Discovered({"t1": "Line", "t2": "one"}, []), Catalog({"one": "t1"}))
    assert plain(merge.tree) == {"teams": {"one (2)": "t2"}}


def test_value_kinds_of_one_name_are_told_apart() -> None:
    twins = MetaKpi("k1", "Scrap", Interval.DAY, "DAY", {"v1": "actual", "v2": "actual"})
    (kpi,) = plain(merged(Discovered({}, [twins]), Catalog()).tree).values()
    assert kpi == {"Scrap": {"id": "k1", "interval": "day", "values": {"actual": "v1", "actual (2)": "v2"}}}


def test_renamed_gone_and_differing_entries_are_told_and_not_changed() -> None:
    kpi = CatalogKpi("scrap", "k1", Interval.WEEK, {"actual": "v1", "target": "v2", "old": "v9"})
    merge = merged(Discovered({}, [SCRAP]), Catalog({"line": "t9"}, {"scrap": kpi}))
    assert merge.tree == {}
    assert merge.renamed == ['KPI scrap is called "Scrap" on the platform']
    assert merge.gone == {("teams", "line"): "team", ("kpis", "scrap", "values", "old"): "value"}
    assert merge.differing == ['KPI scrap: the catalog says week, the platform "DAY"']


def test_what_the_catalog_says_of_the_periods_of_a_kpi_is_printed_too() -> None:
    kpi = CatalogKpi("budget", "k1", Interval.MONTH, {"Ist": "actual"}, {}, Aggregation.SUM, -5, "{year}-{month:02}")
    merge = merged(Discovered({}, [MetaKpi("k1", "budget", Interval.MONTH)]), Catalog({}, {"budget": kpi}), whole=True)
    assert list(rendered(merge.tree)) == [
        "kpis:",
        "  budget:",
        "    id: k1",
        "    interval: month",
        "    aggregation: sum",
        '    utc_offset: "-5"',
        '    group: "{year}-{month:02}"',
        "    values:",
        "      Ist: actual",
    ]


def test_an_aggregation_that_the_catalog_lacks_is_added_and_another_one_is_told() -> None:
    shown = MetaKpi("k1", "scrap", aggregation=Aggregation.SUM)
    merge = merged(Discovered({}, [shown]), Catalog({}, {"scrap": CatalogKpi("scrap", "k1")}))
    assert plain(merge.tree) == {"kpis": {"scrap": {"aggregation": "sum"}}}
    assert merge.added == ["aggregation of KPI scrap"]
    known = CatalogKpi("scrap", "k1", aggregation=Aggregation.LAST)
    merge = merged(Discovered({}, [shown]), Catalog({}, {"scrap": known}))
    assert (merge.tree, merge.differing) == ({}, ["KPI scrap: the catalog says last, the platform sum"])


def test_what_a_platform_hides_is_not_gone() -> None:
    kpi = CatalogKpi("scrap", "k1", Interval.DAY, {"actual": "v1"}, {"early": "s1"})
    merge = merged(Discovered({}, [MetaKpi("k1", "scrap")], {"k1": "status 403"}), Catalog({}, {"scrap": kpi}))
    assert merge.gone == {}


def test_names_of_a_platform_are_put_on_one_line() -> None:
    merge = merged(Discovered({"t1": " Line\n\t1 ", "t2": ""}, []), Catalog())
    assert plain(merge.tree) == {"teams": {"Line 1": "t1", "t2": "t2"}}
