"""The picture cache: bounded in bytes, least recently used first."""

from service.rendering.cache import PictureCache


def test_the_least_recently_used_pictures_are_evicted() -> None:
    cache = PictureCache(100)
    for name in "abcd":
        cache.put(name, name.encode() * 25)
    cache.put("large", b"x" * 26)
    assert cache.get("large") is None
    assert cache.get("a") == b"a" * 25
    cache.put("e", b"e" * 20)  # of the others, b was used least recently
    assert [name for name in "abcde" if cache.get(name) is not None] == list("acde")


def test_a_cache_of_size_0_stays_empty() -> None:
    cache = PictureCache(0)
    cache.put("a", b"a")
    assert cache.get("a") is None
