"""Numbers in Unicode.

Powers of ten use superscript characters, because Matplotlib's mathtext, which is used only for the
weights, is ten times slower. This module does not import Matplotlib.
"""

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def format_power_of_ten(exponent: int) -> str:
    """Return ``10⁻³`` for -3."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def format_number(value: float, digits: int = 6) -> str:
    """Format a number as ``%g`` does, with a power of ten instead of its exponent."""
    text = f"{value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    mantissa = "0" if mantissa == "-0" else mantissa.replace("-", MINUS)
    if not exponent:
        return mantissa.replace("inf", "∞")
    power = format_power_of_ten(int(exponent))
    return {"1": power, f"{MINUS}1": MINUS + power}.get(mantissa, f"{mantissa}{TIMES}{power}")


def format_log10_number(log10_value: float, digits: int = 3) -> str:
    """Write the number 10**log10_value, also outside the float64 range."""
    if log10_value == float("-inf"):
        return "0"
    if abs(log10_value) < 300:
        return format_number(10.0**log10_value, digits)
    exponent = int(log10_value // 1)
    mantissa = f"{10.0 ** (log10_value - exponent):.{digits}g}"
    if mantissa == "10":
        mantissa = "1"
        exponent += 1
    return f"{mantissa}{TIMES}{format_power_of_ten(exponent)}"


def format_weights(w_in: float, w_rec: float) -> str:
    """Return ``(1, 0.5)`` for w_in 1 and w_rec 0.5."""
    return f"({format_number(w_in)}, {format_number(w_rec)})"
