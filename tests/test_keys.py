"""API keys and their entries in the settings."""

import pytest

from service.keys import ApiKey, Scope, find_key, make_key, parse_keys


def test_keys_are_random() -> None:
    assert len({make_key("a", Scope.READ)[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "é", "-a", "a" * 65, "a\n"])
def test_names_that_are_not_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="the name of a key"):
        make_key(name, Scope.READ)


def test_several_entries() -> None:
    made = [make_key(name, scope) for name in ("a", "b.c") for scope in Scope]
    entries = tuple(entry for _, entry in made)
    assert parse_keys(" , ".join(map(str, entries)) + ",") == entries
    for key, entry in made:
        assert find_key(entries, key.encode()) == entry
    for other in (b"", b"x", made[0][0].encode()[:-1], made[0][0].encode() + b" ", b"\xff"):
        assert find_key(entries, other) is None
    assert parse_keys("") == ()


HASH = "0" * 64


@pytest.mark.parametrize(
    "entry", ["a", "a:read", "a:admin:" + HASH, "a:read:xyz", f":read:{HASH}", f"a:read:{HASH}0"]
)
def test_a_malformed_entry_is_located_but_not_shown(entry: str) -> None:
    with pytest.raises(ValueError, match="entry 2 must be") as caught:
        parse_keys(f"a:read:{HASH},{entry}")
    assert HASH not in str(caught.value)


def test_the_hash_of_a_key_is_not_a_key() -> None:
    entry = ApiKey("a", Scope.READ, HASH)
    assert find_key([entry], HASH.encode()) is None
