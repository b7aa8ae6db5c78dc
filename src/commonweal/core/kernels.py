"""Kernels: loops over arrays, compiled when they are first called and kept beside their source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numba


def kernel(inline: Literal["never", "always"] = "never") -> Callable[[Callable[..., Any]], Any]:
    """Compile a function of arrays and numbers: it lets other threads run, and divides by zero as NumPy does.

    One that is called with arrays of other types is compiled again, and a read-only array is of another type than one
    that can be written to; so it should always be given the same.

    Parameters
    ----------
    inline
        ``"always"`` puts the code in the place of each call from another kernel.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        made: Any = numba.njit(nogil=True, cache=True, error_model="numpy", inline=inline)(function)
        called: Any = made.get_call_template
        plain_type: Any = numba.types.unliteral

        def called_with_types(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
            # Of a constant in a call from another kernel Numba would make a version of its own.
            return called(tuple(map(plain_type, arguments)), {name: plain_type(each) for name, each in named.items()})

        made.get_call_template = called_with_types
        return made

    return compiled
