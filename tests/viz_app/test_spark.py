"""The small pictures on cards draw the numbers they are given."""

import re
from base64 import b64decode

import numpy as np
import pytest

from viz_app.components import spark, theme


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "palette", lambda: theme.LIGHT)


def drawn(image: str) -> str:
    return b64decode(re.search(r"base64,([^\"]+)", image)[1]).decode()


def points(picture: str) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in re.search(r'points="([^"]+)"', picture)[1].split()]


def test_a_strip_has_a_tint_and_a_height_for_each_value():
    picture = drawn(spark.strip(np.array([4.0, 0.0, -2.0, np.nan, -9.0]), 4.0))
    opacities = [float(value) for value in re.findall(r'opacity="([\d.]+)"', picture)]
    assert opacities == pytest.approx([0.75, 0, 0.375, 0, 0.75], abs=0.006)
    assert [y for _, y in points(picture)] == pytest.approx([0, 23, 34.5, 23, 46], abs=0.06)
    assert picture.count(theme.LIGHT.signed[2]) == 1


def test_a_decay_falls_by_equal_steps_on_its_log_axis_and_never_below_it():
    line = points(drawn(spark.decay([(np.array([2e-12, 2e-4, 2e-2, 2.0]), "#123456")])))
    heights = [y for _, y in line]
    assert heights[3] == pytest.approx(1.5)
    assert heights[1] - heights[2] == pytest.approx(heights[2] - heights[3], abs=0.11)
    assert heights[0] == max(heights) <= spark.HEIGHT


def test_a_bar_is_as_high_as_its_share():
    picture = drawn(spark.bars(np.array([1.0, 0.5, 0.0, np.nan])))
    heights = [float(value) for value in re.findall(r' height="([\d.]+)" fill', picture)]
    assert heights == pytest.approx([46, 23, 0, 0], abs=0.06)
