"""What widgets of a plane share: places, and a kernel that answers the newest question."""

import base64
import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from course_lib.widgets.plane import Plane, PlaneWidget

ROOM = Plane((-1.0, 0.0), (1.0, 0.5), [((0.0, 0.0), (0.0, 0.2))])


class Doubling(PlaneWidget):
    """Doubles a number; 13 is bad luck."""

    def __init__(self, wait=None):
        self.asked, self._wait = [], wait
        super().__init__({}, {"number": 1})

    def _checked(self, request):
        if not isinstance(request["number"], int):
            raise ValueError(f"number must be whole, got {request['number']}")
        return request

    def _computed(self, request):
        self.asked.append(request["number"])
        if self._wait is not None and len(self.asked) > 1:
            self._wait.wait(5)
        if request["number"] == 13:
            raise ArithmeticError("bad luck")
        return {"double": 2 * request["number"]}

    def _draw(self, figure):
        ROOM.draw(figure.subplots(), f"double {self.answer['double']}")

    def __str__(self):
        return f"double: {self.answer['double']}"


@pytest.fixture
def doubling():
    made = []

    def make(*args):
        made.append(Doubling(*args))
        return made[-1]

    yield make
    for one in made:
        one.close()


def wait(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)


def test_a_question_is_answered_beside_the_kernels_thread(doubling):
    one = doubling()
    assert one.answer == {"of": {"number": 1}, "problem": {}, "double": 2}
    one.request = {"number": 4}
    wait(lambda: one.answer["of"] == one.request)
    assert one.answer["double"] == 8 and one.asked == [1, 4]


def test_of_questions_that_wait_only_the_newest_is_answered(doubling):
    open_ = threading.Event()
    one = doubling(open_)
    one.request = {"number": 2}
    wait(lambda: one.asked == [1, 2])
    for number in (3, 4, 5):
        one.request = {"number": number}
    open_.set()
    wait(lambda: one.answer["of"]["number"] == 5)
    assert one.asked == [1, 2, 5]


def test_an_error_is_told_with_its_question_and_the_last_answer_stays(doubling):
    one = doubling()
    one.request = {"number": 13}
    wait(lambda: one.answer["problem"])
    assert one.answer["of"] == {"number": 13} and one.answer["double"] == 2
    assert one.answer["problem"]["message"] == "ArithmeticError: bad luck"
    assert "in _computed" in one.answer["problem"]["details"]
    one.request = {"number": 3}
    wait(lambda: not one.answer["problem"])
    assert one.answer["double"] == 6


def test_an_impossible_question_is_refused_at_once(doubling):
    one = doubling()
    with pytest.raises(ValueError, match=r"number must be whole, got 0\.5"):
        one.request = {"number": 0.5}
    assert one.request == {"number": 1}


def test_where_no_script_runs_a_picture_and_words_stand_in(doubling):
    data, _ = doubling()._repr_mimebundle_()
    assert data["text/plain"] == "double: 2"
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 800


def test_a_plane_as_the_script_gets_it():
    assert ROOM.to_json() == {
        "low": [-1.0, 0.0],
        "high": [1.0, 0.5],
        "walls": [[0.0, 0.0, 0.0, 0.2]],
        "unit": "m",
    }
    assert Plane((0, 0), (1, 1)).to_json()["walls"] == []
    assert ROOM.place("goal", np.array([1.0, 0.5])) == [1.0, 0.5]


@pytest.mark.parametrize("place", [(1.01, 0.2), (0.0, -0.1), (np.nan, 0.1), (0.0,)])
def test_places_outside_are_refused(place):
    with pytest.raises(ValueError, match=r"goal must lie between \(-1.0, 0.0\) and \(1.0, 0.5\), got"):
        ROOM.place("goal", place)


def test_planes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"low must lie below and left of high, got \(0, 0\) and \(1, 0\)"):
        Plane((0, 0), (1, 0))
    with pytest.raises(ValueError, match=r"walls must be pairs of places, \[W, 2, 2\], got shape \(1, 4\)"):
        Plane((0, 0), (1, 1), [(0, 0, 1, 1)])
