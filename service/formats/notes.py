"""Notes about a table that can be read: what was noticed, and what was assumed."""

from collections.abc import Iterable, Iterator
from typing import Final

from service.engine.data import Note
from service.errors import count
from service.formats.base import SeriesColumns
from service.formats.csv_tables import join_names, split_names
from service.formats.group_columns import LAYOUT, VALUE, VARIABLE, describe_long, offer_layouts
from service.formats.numerals import SWITCHES
from service.formats.repairs import Offer, offer
from service.formats.roles import GUESSED, REASONS, REPEATS, Roles
from service.formats.structure import Structure
from service.formats.text import WINDOWS
from service.schemas.series import MAX_NAME

# Encodings with which Windows-1252 can be confused.
ENCODINGS: Final = ("mac-roman", "cp850", "windows-1250", "windows-1251")
MAX_NAMED: Final = 20  # columns in a sentence
UNUSED: Final = {REASONS["text"], REASONS["time"]}  # why columns are left out without a choice


def list_notes(
    found: Structure,
    given: SeriesColumns,
    proposed: Roles | None,
    made: Iterable[Note] = (),
) -> tuple[Note, ...]:
    """Return what may be wrong although a table can be read.

    A note is open if an answer from the table can be wrong. The query confirms it, or makes one of
    its repairs.

    Parameters
    ----------
    found
        The table, all of whose rows were read.
    given
        The columns and the repairs in the query.
    proposed
        The roles of the columns, if some were proposed.
    made
        The notes about repairs that were made.
    """
    confirmed = [*filter(None, (given.confirm or "").split(","))]
    notes = [*_list_lines(found, given), *_list_sentinels(found, given, proposed)]
    notes += _list_layout(found, given if proposed is None else proposed.chosen, given.sequence)
    notes += [] if proposed is None else _list_roles(found, given, proposed)
    notes += made
    return tuple(
        note._replace(repairs=(*note.repairs, _offer_confirmation(note, confirmed)))
        if note.is_open
        else note
        for note in notes
        if not note.is_open or note.slug not in confirmed
    )


def _offer_confirmation(note: Note, confirmed: Iterable[str]) -> Offer:
    return offer("confirm", ",".join([*confirmed, note.slug]))


def _list_lines(found: Structure, given: SeriesColumns) -> Iterator[Note]:
    """Yield the notes about the text and about lines that are left out."""
    if found.text.encoding == WINDOWS and given.encoding is None:
        sentence = "the text is not UTF-8, and is read as Windows-1252, not in another encoding"
        yield Note("encoding", sentence, tuple(offer("encoding", each, each) for each in ENCODINGS))
    if found.header is not None and found.n_above:
        line = found.header[0]
        yield Note("title", f"line {line} is the header; lines above it are left out", line=line)
    for name in found.names:
        if len(name) == MAX_NAME and name.endswith("\u2026"):
            yield Note("name", f"the name {name[:40]!r} is cut after {MAX_NAME} characters")
    for line, what in found.left_out:
        yield Note("end", f"line {line} is {what}, and is left out", line=line)


def _list_sentinels(
    found: Structure, given: SeriesColumns, proposed: Roles | None
) -> Iterator[Note]:
    """Yield numbers of the target and the inputs that often stand for missing ones."""
    chosen = given if proposed is None else proposed.chosen
    used = None if chosen.inputs is None else {chosen.target, *chosen.inputs}
    for (j, word), n in found.sentinels.items():
        name = found.names[j] if j < len(found.names) else ""
        if word != given.missing and (used is None or name in used):
            sentence = f"{word} occurs {count(n, 'time')} in {name!r}"
            yield Note("sentinel", sentence, (offer("missing", word, word),), is_open=True)


def _list_layout(found: Structure, chosen: SeriesColumns, sequence: str | None) -> Iterator[Note]:
    """Yield the note about a long table whose variables were chosen as sequences of one target.

    With inputs of its own, such a table can be a recording of each sensor or item.
    """
    roles = {chosen.target, chosen.sequence, chosen.time, *split_names(chosen.clock)}
    inputs = {*found.names} - roles if chosen.inputs is None else chosen.inputs
    is_variable = sequence is not None and VARIABLE.fullmatch(sequence) is not None
    if sequence is None or not is_variable or inputs or not VALUE.fullmatch(chosen.target):
        return
    at = found.names.index(sequence)
    sentence = describe_long(sequence, [row[at] for row in found.sample], chosen.target)
    sentence += ". Each variable is read as a sequence of one target"
    pivot, _ = offer_layouts(sequence, chosen.target)
    yield Note(LAYOUT, sentence, (pivot,), is_open=True)


def _list_roles(found: Structure, given: SeriesColumns, proposed: Roles) -> Iterator[Note]:
    """Yield the notes about the roles that were proposed."""
    chosen, because = proposed.chosen, proposed.because
    inputs = chosen.inputs or ()
    if GUESSED in because:
        sentence = f"the target {chosen.target!r} is a guess, because it is the last column"
        offers = (offer("target", name, name) for name in inputs)
        yield Note("target", sentence, tuple(offers), is_open=True)
    unused = [
        name for name, why in zip(found.names, because, strict=True) if why == REASONS["number"]
    ]
    if unused and given.inputs is None:
        n_all = len(inputs) + len(unused)
        sentence = f"{len(inputs)} of {n_all} inputs are proposed, which have the "
        sentence += f"largest lagged correlation with the target: {', '.join(inputs)}. "
        sentence += f"Not used: {_list_names(unused)}"
        yield Note("inputs", sentence, is_open=True)
    others = [name for name, why in zip(found.names, because, strict=True) if why in UNUSED]
    if others and given.inputs is None:
        sentence = f"{_list_names(others)} left out, without numbers"
        yield Note("left_out", sentence)
    if REPEATS in because:
        name = chosen.sequence
        sentence = f"each value of {name!r} is read as a sequence of its own"
        yield Note("sequence", sentence, (offer("sequence", "", "one sequence"),))
    for j, pair in found.signs.items():
        if pair in SWITCHES and found.names[j] in {chosen.target, *inputs}:
            one, zero = pair.split("/")
            yield Note("switch", f"{found.names[j]!r} is read as 1 for {one}, 0 for {zero}")
    differences = {*split_names(given.differences)}
    for name in proposed.may_count:
        if name not in differences:
            sentence = f"{name!r} never falls, as a counter or a meter"
            repair = offer("differences", join_names(sorted({name, *differences})), name)
            yield Note("counter", sentence, (repair,), is_open=True)
    for name in proposed.may_be_groups:
        sentence = f"{name!r} has few values in blocks of rows, and is read as an input"
        repair = offer("sequence", name, f"each value of {name!r} as a sequence")
        yield Note("groups", sentence, (repair,), is_open=True)


def _list_names(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
