"""The festival calendar against the package lunardate and published dates."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ecomops.base.errors import OptionError
from ecomops.data import festivals
from ecomops.maths import lunar


def test_every_day_of_2015_to_2035_equals_lunardate():
    package = pytest.importorskip("lunardate", reason="pip install lunardate: a second calendar")
    day, wrong = date(2015, 2, 19), []
    while day.year < 2036:
        theirs = package.LunarDate.from_solar_date(day.year, day.month, day.day)
        leap = bool(theirs.is_leap_month)
        if lunar.solar(theirs.year, theirs.month, theirs.day, leap=leap) != day:
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


# Published by the State Council and in the shared notes (methods.md, section 2).
PUBLISHED = {
    "spring_festival": ["2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2030-02-03"],
    "mid_autumn": ["2025-10-06", "2026-09-25"],
    "qixi": ["2025-08-29", "2026-08-19"],
    "black_friday": ["2024-11-29", "2025-11-28"],
    "dragon_boat": ["2025-05-31"],
    "double_11": ["2025-11-11"],
}


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_days(code):
    known = {str(f.day) for f in festivals.calendar_of("all") if f.code == code}
    assert set(PUBLISHED[code]) <= known
    assert len(known) == (41 if code == "black_friday" else 21)  # from 1995, lunar days from 2015


def test_the_simulator_keeps_the_same_days():
    from ecomops.sim.calendar import events

    names = {
        "春节": "spring_festival",
        "中秋节": "mid_autumn",
        "七夕": "qixi",
        "端午节": "dragon_boat",
    }
    for theirs, ours in names.items():
        simulated = {day for day, name in events() if name == theirs}
        assert simulated == {f.day for f in festivals.festivals() if f.code == ours}


def test_phases_follow_one_another_without_gap_or_overlap():
    for code, rule in festivals.rules().items():
        assert rule["presale"][1] + 1 == rule["main"][0], code
        assert rule["main"][1] + 1 == rule["after"][0], code


def test_phase_of_a_day():
    (eleven,) = [f for f in festivals.festivals() if f.code == "double_11" and f.day.year == 2025]
    assert eleven.phase(date(2025, 11, 11)) == "main"
    assert eleven.phase(date(2025, 10, 15)) == "presale"
    assert eleven.phase(date(2025, 11, 20)) == "after"
    assert eleven.phase(date(2025, 12, 20)) is None


def test_own_days_replace_or_join():
    rows = [
        {"code": "double_11", "day": date(2025, 11, 10)},
        {"code": "birthday", "day": date(2025, 4, 4)},
    ]
    mine = festivals.calendar_of("cn", rows)
    days = [f.day for f in mine if f.code == "double_11" and f.day.year == 2025]
    assert days == [date(2025, 11, 10)]
    assert [f.main for f in mine if f.code == "birthday"] == [(0, 0)]


def test_own_days_may_come_every_month():
    """By hand: twelve member days a year are twelve, and a day told twice is one."""
    rows = [{"code": "member", "day": date(2025, month, 18)} for month in range(1, 13)]
    days = [f.day for f in festivals.calendar_of("cn", rows + rows[:1]) if f.code == "member"]
    assert days == [row["day"] for row in rows]


def test_unknown_calendar_and_year_are_refused():
    with pytest.raises(OptionError, match="cn, western, all"):
        festivals.calendar_of("mars")
    with pytest.raises(OptionError, match="2040"):
        lunar.solar(2050, 1, 1)


def test_own_days_may_be_text():
    rows = [{"code": "anniversary", "day": "2026-02-20"}]
    (own,) = [f for f in festivals.calendar_of("western", rows) if f.code == "anniversary"]
    assert own.day == date(2026, 2, 20)
