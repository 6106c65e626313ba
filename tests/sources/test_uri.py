from __future__ import annotations

import pytest

from audiostreamer.uri import URI, redact


@pytest.mark.parametrize(
    ("text", "scheme", "path", "query"),
    [
        ("a.wav", "", "a.wav", {}),
        ("a?b=c", "", "a?b=c", {}),
        ("C:\\a.wav", "", "C:\\a.wav", {}),
        ("-", "", "-", {}),
        ("pcm:a.raw?rate=8000&x=", "pcm", "a.raw", {"rate": "8000", "x": ""}),
        ("PCM:a", "pcm", "a", {}),
        ("pipe:", "pipe", "", {}),
        ("file:///a%20b.wav", "file", "/a b.wav", {}),
        ("file:a%20b.wav", "file", "a%20b.wav", {}),
        ("file:///%FF", "file", "/\udcff", {}),
        ("http://h/a?b=1&b=2", "http", "/a", {"b": "2"}),
        ("s3://[bucket/a[1].wav", "s3", "/a[1].wav", {}),
        ("s3://bucket", "s3", "", {}),
        ("file:///a\tb", "file", "/a\tb", {}),
    ],
)
def test_parse(text: str, scheme: str, path: str, query: dict[str, str]) -> None:
    uri = URI.parse(text)
    assert (uri.scheme, uri.path, dict(uri.query), str(uri)) == (scheme, path, query, text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a@b?c=d", "a@b?c=d"),
        ("http://me:pw@h/a", "http://h/a"),
        ("http://me:p@w@h/a", "http://h/a"),
        ("http://h/@me/a", "http://h/@me/a"),
        ("http://h/a?stream=1&sig=x", "http://h/a?stream=1&sig=***"),
        ("http://h/a#token=x", "http://h/a#***"),
        ("zip://a::http://me:pw@h/x?k=v", "zip://a::http://h/x?k=***"),
        ("pcm:a?rate=1&secret=2", "pcm:a?rate=1&secret=2"),
    ],
)
def test_redact(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert URI.parse(text).redacted == shown
    assert repr(URI.parse(text)) == f"URI({shown!r})"


def test_options() -> None:
    uri = URI.parse("xy:a?rate=8000&name=b")
    assert uri.options(rate=int, name=str, other=float) == {"rate": 8000, "name": "b"}
    assert URI.parse("xy:a").options() == {}


def test_an_unknown_option() -> None:
    with pytest.raises(ValueError, match="unknown option 'rat'; allowed: name, rate"):
        URI.parse("xy:a?rat=1").options(rate=int, name=str)
    with pytest.raises(ValueError, match="none is allowed here"):
        URI.parse("xy:a?rat=1").options()


def test_an_option_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="rate='x' cannot be read") as caught:
        URI.parse("xy:a?rate=x").options(rate=int)
    assert isinstance(caught.value.__cause__, ValueError)
