from __future__ import annotations

import pytest

from localq.schedules import ScheduleError, read_zone


def test_a_zone_is_read_by_its_name() -> None:
    assert read_zone("Europe/Berlin").key == "Europe/Berlin"


@pytest.mark.parametrize("name", ["Europe/Berln", "/etc/passwd", "../UTC", "", "\0"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match="Unknown time zone"):
        read_zone(name)


def test_a_misspelt_zone_gets_the_nearest_name() -> None:
    with pytest.raises(ScheduleError, match="Did you mean 'Europe/Berlin'"):
        read_zone("Europe/Berln")
