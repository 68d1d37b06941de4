"""A schedule as a formula over array operations, for frameworks that trace a training step and
cannot call the core.

The operations come from a namespace with the names of NumPy: ``numpy`` (in the tests),
``jax.numpy`` or ``keras.ops``. The formulas are those of the core
(``crates/stepsize/src/rate/schedule/node.rs``).

Precision: a step stays a whole number until it is divided by a length, and the remaining part of a
ramp is counted, not subtracted from 1. So a factor in 32 bits is right to a few parts in a million,
also at the end of a long decay. There is one exception: a *clock* that is not whole (``extend``,
cycles that stretch by a fraction, stairs of fractional width). Then the error is a few parts in a
million of the peak, and beyond 16 million steps the clock jumps, since it has 24 bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._native import Schedule

_WHOLE = 2**31 - 1  # the largest step that 32 bits hold
_HALF_PI = math.pi / 2
Formula = Callable[[Any], Any]


def formula(schedule: Schedule, xp: Any) -> Formula:
    """Compiles ``schedule`` to a function from an array of steps to an array of factors, in the
    operations of ``xp``.
    """
    return _Compiler(xp).compile(schedule._tree())


def _whole(value: float) -> int | float:
    """``value`` as an int where it is whole and fits into 32 bits, so that steps are compared
    exactly; else as a float.
    """
    return int(value) if float(value).is_integer() and value <= _WHOLE else float(value)


class _Compiler:
    """One method for each kind of node, under its name in the tuples of ``Schedule._tree``."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def compile(self, tree: Any) -> Formula:
        made: Formula = getattr(self, "_" + tree[0])(*tree[1:])
        return made

    def _constant(self, value: float) -> Formula:
        return lambda t: 0.0 * t + value

    def _ramp(self, begin: float, end: float, steps: int, shape: str, exponent: float) -> Formula:
        return self._between(begin, end, _whole(steps), shape, exponent)

    def _between(self, begin: float, end: float, length: float, shape: str, exponent: float = 1.0) -> Formula:
        xp = self.xp

        def at(t: Any) -> Any:
            t = xp.minimum(xp.maximum(t, 0), length)
            left, gone = (length - t) / length, t / length
            if shape == "exponential":
                return xp.where(t >= length, end, begin * xp.exp(math.log(end / begin) * gone))
            if shape == "cosine":
                down, up = xp.sin(_HALF_PI * left) ** 2, xp.sin(_HALF_PI * gone) ** 2
            elif shape == "cosine_power":
                down = (xp.sin(_HALF_PI * left) ** 2) ** exponent
                up = 1.0 - down
            elif shape == "power":
                down = left**exponent
                up = 1.0 - down
            elif shape == "sqrt":
                up = xp.sqrt(gone)
                down = left / (1.0 + up)  # 1 - up without cancellation
            else:
                down, up = left, gone
            return begin * down + end * up

        return at

    def _stairs(self, t: Any, every: float, staircase: bool) -> Any:
        """``t / every``, with a staircase rounded down; that is exact where ``every`` is whole."""
        if not staircase:
            return t / every
        whole = _whole(every)
        return t // whole if isinstance(whole, int) else self.xp.floor(t / every)

    def _exponential(self, rate: float, every: float, staircase: bool, limit: float | None) -> Formula:
        def at(t: Any) -> Any:
            value = self.xp.exp(math.log(rate) * self._stairs(t, every, staircase))
            if limit is None:
                return value
            return self.xp.maximum(value, limit) if rate <= 1.0 else self.xp.minimum(value, limit)

        return at

    def _inverse(self, rate: float, every: float, power: float, staircase: bool) -> Formula:
        return lambda t: (1.0 + rate * self._stairs(t, every, staircase)) ** -power

    def _one_cycle(
        self, steps: int, rise: float, div: float, final_div: float, linear: bool, three_phase: bool
    ) -> Formula:
        start, end, shape = 1.0 / div, 1.0 / div / final_div, "linear" if linear else "cosine"
        top, last, back = rise * steps - 1.0, steps - 1.0, 2.0 * rise * steps - 2.0
        bounds = [(0.0, top, start, 1.0), (top, back, 1.0, start), (back, last, start, end)]
        if not three_phase:
            bounds[1:] = [(top, last, 1.0, end)]

        def phase(begin: float, until: float, low: float, high: float) -> Formula:
            # In very short cycles a phase may have no length: it is then its last value.
            between = self._between(low, high, _whole(until - begin), shape) if until > begin else self._constant(high)
            return lambda t: between(t - _whole(begin))

        phases = [phase(*bound) for bound in bounds]

        def at(t: Any) -> Any:
            t = self.xp.minimum(t, _whole(last))
            value = phases[-1](t)
            for part, bound in zip(phases[-2::-1], bounds[-2::-1], strict=True):
                value = self.xp.where(t <= _whole(bound[1]), part(t), value)
            return value

        return at

    def _table(self, values: list[float]) -> Formula:
        xp, last = self.xp, len(values) - 1

        def at(t: Any) -> Any:
            table = self._array(values)
            t = xp.minimum(xp.maximum(t, 0), last)
            if "int" in str(t.dtype):
                return xp.take(table, t)
            below = xp.floor(t)
            index = below.astype("int32") if hasattr(below, "astype") else xp.cast(below, "int32")
            gone = t - below
            return xp.take(table, index) * (1.0 - gone) + xp.take(table, xp.minimum(index + 1, last)) * gone

        return at

    def _sequence(self, parts: tuple[Any, ...], lengths: list[int | None]) -> Formula:
        compiled, starts, at_step = [self.compile(part) for part in parts], [], 0
        for length in lengths:
            starts.append(_whole(at_step))
            at_step += length or 0

        def at(t: Any) -> Any:
            xp = self.xp
            value = compiled[0](t)
            for part, start in zip(compiled[1:], starts[1:], strict=True):
                value = xp.where(t < start, value, part(xp.maximum(t - start, 0)))
            return value

        return at

    def _pinned(self, t: Any, steps: int | None) -> Any:
        return t if steps is None else self.xp.minimum(t, _whole(steps))

    def _product(self, parts: tuple[Any, ...], steps: int | None) -> Formula:
        compiled = [self.compile(part) for part in parts]
        return lambda t: math.prod(part(self._pinned(t, steps)) for part in compiled)

    def _sum(self, parts: tuple[Any, ...], steps: int | None) -> Formula:
        compiled = [self.compile(part) for part in parts]
        return lambda t: sum(part(self._pinned(t, steps)) for part in compiled)

    def _repeat(self, part: Any, length: int, times: int | None, stretch: float, gain: float) -> Formula:
        xp, inner = self.xp, self.compile(part)
        last = None if times is None else times - 1
        place = self._cycles(length) if stretch == 1.0 else self._growing_cycles(length, stretch, times)

        def at(t: Any) -> Any:
            cycle, local = place(t)
            if last is not None:
                local = xp.where(cycle > last, _whole(length), local)
                cycle = xp.minimum(cycle, _whole(last))
            value = inner(local)
            return value if gain == 1.0 else value * xp.exp(math.log(gain) * cycle)

        return at

    def _cycles(self, length: int) -> Callable[[Any], tuple[Any, Any]]:
        whole = _whole(length)
        return lambda t: (t // whole, t % whole)

    def _growing_cycles(self, length: int, stretch: float, times: int | None) -> Callable[[Any], tuple[Any, Any]]:
        xp, starts = self.xp, _starts(length, stretch, times)
        first = [math.ceil(start) for start in starts]  # the first whole step of each cycle
        lead = [step - start for step, start in zip(first, starts, strict=True)]

        def at(t: Any) -> tuple[Any, Any]:
            begins = self._array(first if "int" in str(t.dtype) else starts)
            cycle = xp.sum(xp.where(xp.expand_dims(t, -1) >= begins, 1, 0), axis=-1) - 1
            ahead = t - xp.take(begins, cycle)
            if "int" in str(t.dtype):
                ahead = ahead + xp.take(self._array(lead), cycle)
            local = ahead / xp.take(self._array([stretch**i for i in range(len(starts))]), cycle)
            return cycle, xp.minimum(local, float(length))

        return at

    def _array(self, values: list[Any]) -> Any:
        xp = self.xp
        return xp.asarray(values) if hasattr(xp, "asarray") else xp.convert_to_tensor(values)

    def _take(self, part: Any, steps: int) -> Formula:
        inner = self.compile(part)
        return lambda t: inner(self._pinned(t, steps))

    def _extend(self, part: Any, at_step: int, begin: int, end: int) -> Formula:
        xp, inner, slope = self.xp, self.compile(part), (begin - at_step) / (end - at_step)

        def at(t: Any) -> Any:
            late = at_step + (xp.minimum(t, _whole(end)) - _whole(at_step)) * slope
            return inner(xp.where(t <= _whole(at_step), t, late))

        return at


def _starts(length: int, stretch: float, times: int | None) -> list[float]:
    """The times at which growing cycles begin, up to the largest step of 32 bits."""
    starts = [0.0]
    while times is None or len(starts) <= times:
        start = length * (stretch ** len(starts) - 1.0) / (stretch - 1.0)
        if start > _WHOLE:
            break
        starts.append(start)
    return starts
