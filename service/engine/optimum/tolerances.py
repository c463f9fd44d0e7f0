"""The tolerances that several modules of this package share; others stand beside their use.

An rtol is relative to the number itself, an atol to the mean square of what is added up to form it.
"""

from typing import Final

COST_RTOL: Final = 1e-9
"""Costs that differ by less count as equal: three digits more than the documented 1e-6."""

COST_ATOL: Final = 1e-24
"""The documented absolute accuracy of a cost, relative to the mean squared target."""
