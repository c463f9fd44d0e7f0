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


def test_a_picture_replaces_the_one_of_its_etag() -> None:
    cache = PictureCache(100)
    for size in (25, 10):
        cache.put("a", b"a" * size)
    for name in "bcd":
        cache.put(name, name.encode() * 25)
    cache.put("e", b"e" * 15)  # exactly the space beside 10 + 3 * 25
    assert [len(cache.get(name) or b"") for name in "abcde"] == [10, 25, 25, 25, 15]


def test_a_cache_of_size_0_stays_empty() -> None:
    cache = PictureCache(0)
    cache.put("a", b"a")
    assert cache.get("a") is None
