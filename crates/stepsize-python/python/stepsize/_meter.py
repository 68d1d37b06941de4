"""``Meter``: what a search has spent, in steps, in full runs and on the clock."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WARM_UP = 3  # first steps, and first evaluation, that are not timed: they compile, and start workers
_FEW_EVALUATIONS = 3
_TIMED = 1001  # latest steps and evaluations that say how long one takes
_STALL = 10  # what takes so many times the median is not work: the machine did something else


class Meter:
    """Counts steps and evaluations, and times both.

    The cost in full runs is ``(steps + evaluations x seconds of one / seconds of a step) / length
    of the full run``: what the search would be if it had taken steps only, for as long.
    """

    def __init__(
        self, length: int, max_seconds: float | None, agree: Callable[[float], float], clock: Callable[[], float]
    ) -> None:
        self.length, self.steps, self.evaluations, self._clock = length, 0, 0, clock
        self._timed_steps: deque[float] = deque(maxlen=_TIMED)
        self._timed_evaluations: deque[float] = deque(maxlen=_TIMED)
        self._price, self._priced, self._begin = 0.0, 0, time.perf_counter()
        self._longest, self._longest_evaluation, self._longest_between = 0.0, 0.0, 0.0
        self._max_seconds, self._agree = max_seconds, agree

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around one optimizer step."""
        begin, now = self._clock(), time.perf_counter()
        try:
            yield
        finally:
            self.steps += 1  # also one that ends in a FloatingPointError
        if self.steps > _WARM_UP:
            self._timed_steps.append(self._clock() - begin)
            self._longest = max(time.perf_counter() - now, self._longest)

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Around one evaluation."""
        begin, now = self._clock(), time.perf_counter()
        yield
        if self.evaluations == 1:
            self._timed_evaluations.clear()  # the first one, which compiles
        self._timed_evaluations.append(self._clock() - begin)
        self._longest_evaluation = max(time.perf_counter() - now, self._longest_evaluation)
        self.evaluations += 1

    @contextmanager
    def between(self) -> Iterator[None]:
        """Around what is done between two trials, the arithmetic of the search and a restore: both
        are done once more at its end.
        """
        now = time.perf_counter()
        yield
        self._longest_between = max(time.perf_counter() - now, self._longest_between)

    @property
    def seconds(self) -> float:
        """Seconds since the search began."""
        return time.perf_counter() - self._begin

    @property
    def price(self) -> float:
        """What an evaluation costs, in optimizer steps, by the clock."""
        if self._timed_steps and self._priced != self.evaluations:
            step = _typical(self._timed_steps)
            self._price = _typical(self._timed_evaluations) / step if step > 0.0 else 0.0
            self._priced = self.evaluations
        return self._price

    @property
    def agreed_price(self) -> float:
        """The same in every process; 0 before it can be told."""
        return self._agree(self.price if self.evaluations >= _FEW_EVALUATIONS else 0.0)

    @property
    def evaluation_steps(self) -> float:
        """What all evaluations cost, in optimizer steps, by the clock."""
        return self.evaluations * self.price

    @property
    def runs(self) -> float:
        """Cost so far, in full runs."""
        return (self.steps + self.evaluation_steps) / self.length

    def is_out_of_time(self, evaluated: bool) -> bool:
        """Whether one more step, an evaluation after it if it is ``evaluated``, and the end of the
        search may take longer than ``max_seconds``; in every process the same.
        """
        if self._max_seconds is None:
            return False
        # The conclusion takes up to twice the arithmetic of a trial.
        longest = self._longest + 2.0 * self._longest_between + (self._longest_evaluation if evaluated else 0.0)
        return self._agree(self.seconds + longest) > self._max_seconds


def _typical(seconds: deque[float]) -> float:
    """The mean without stalls."""
    most = _STALL * statistics.median(seconds)
    return statistics.fmean(one for one in seconds if one <= most)
