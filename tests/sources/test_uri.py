from __future__ import annotations

import pytest

from audiostreamer.uri import URI, redact, web_user


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
        ("pcm:a::b?secret=2", "pcm:a::b?secret=2"),
        ("http://[2001:db8::1]/a.wav?token=SECRET", "http://[2001:db8::1]/a.wav?token=***"),
        ("http://u:SECRET@[::1]:80/a.wav", "http://[::1]:80/a.wav"),
        ("https://h/a::b.wav?token=SECRET", "https://h/a::b.wav?token=***"),
        ("https://user:pa::SECRET@h/a.wav", "https://h/a.wav"),
        ("s3://user:pa::SECRET@b/e::f.wav?k=SECRET", "s3://b/e::f.wav?k=***"),
        ("zip://x::https://u:SECRET@[::1]/a?token=SECRET", "zip://x::https://[::1]/a?token=***"),
        ("zip://a::b.wav::https://u:pa::SECRET@h/z.zip?k=SECRET", "zip://a::b.wav::https://h/z.zip?k=***"),
        ("simplecache::s3://u:SECRET@b/a?k=SECRET", "simplecache::s3://b/a?k=***"),
        ("http://bob:p/w@h/a.mp3", "http://h/a.mp3"),
        ("http://h/a@2x.png", "http://h/a@2x.png"),
        ("zip://a@b.wav::https://u:p@h/z.zip?sig=1", "zip://a@b.wav::https://h/z.zip?sig=***"),
        ("file://user:SECRET@host/a.wav", "file://host/a.wav"),
        ("file:///a@b.wav", "file:///a@b.wav"),
        ("http:h/a?token=SECRET", "http:h/a?token=***"),
        ("http://h/a?SECRET", "http://h/a?***"),
        ("http://h/a?id=1;token=SECRET", "http://h/a?id=***"),
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


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("http://h/a", ""),
        ("HTTPS://h:8080?x=me@h", ""),
        ("http://h/@me/a:b", ""),
        ("http://[::1]:80/a", ""),
        ("http://me@h/a", "me"),
        ("http://me:p%2Fw::x@h/a", "me:p%2Fw::x"),
    ],
)
def test_the_user_in_a_web_address(url: str, user: str) -> None:
    assert web_user(url) == user


@pytest.mark.parametrize(
    "password", ["hun/ter2", "hun?ter2", "hun#ter2", "hun@ter2", "hun%ter2", "hun ter2", "[hunter2"]
)
def test_a_password_must_be_percent_encoded(password: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded") as caught:
        web_user(f"http://me:{password}@h/a")
    assert "hun" not in str(caught.value)
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http:", "http:///a", "http://me@/a", "http://h:x/a", "http://h:65536/", "http://[::1/a"]
)
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(ValueError, match="an address has the form"):
        web_user(url)
