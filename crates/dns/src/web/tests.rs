use super::*;

fn web(base: &str, scheme: Scheme, secret: &str, road: &Road) -> Result<Web, String> {
    Web::new(base, scheme, "Bearer ".to_owned(), SecretString::from(secret), road)
        .map_err(|error| error.chain())
}

#[test]
fn only_https_without_a_user_is_an_address() {
    let road = Road::default();
    assert_eq!(
        web("https://api.example.com/v4", Scheme::Https, "t", &road).unwrap().endpoint(),
        "api.example.com"
    );
    assert_eq!(web("https://10.0.0.1:2087", Scheme::Https, "t", &road).unwrap().endpoint(), "10.0.0.1:2087");
    for base in [
        "http://127.0.0.1:1",
        "http://api.example.com",
        "https://u:p@api.example.com",
        "nonsense",
        "file:///x",
    ] {
        assert!(web(base, Scheme::Https, "t", &road).is_err(), "{base}");
    }
    assert!(web("http://127.0.0.1:1", Scheme::PlainLoopback, "t", &road).is_ok());
    for base in ["http://192.0.2.1:1", "http://localhost:1", "https://127.0.0.1:1"] {
        assert!(web(base, Scheme::PlainLoopback, "t", &road).is_err(), "{base}");
    }
}

#[test]
fn a_token_that_cannot_be_one_is_refused_without_being_shown() {
    for secret in ["", "with blank", "line\nend", "ümlaut", &"x".repeat(513)] {
        let words = web("https://api.example.com", Scheme::Https, secret, &Road::default()).unwrap_err();
        assert!(words.contains("the token cannot be used"), "{words}");
        assert!(secret.is_empty() || !words.contains(secret), "{words}");
    }
}

#[test]
fn a_road_that_cannot_be_used_is_named() {
    for (trust, what) in [
        (Trust::AlsoRoot { pem: "no certificate".to_owned() }, "the certificate"),
        (Trust::Pinned { sha256: "12".to_owned() }, "fingerprint"),
    ] {
        let road = Road { trust, ..Road::default() };
        let words = web("https://api.example.com", Scheme::Https, "t", &road).unwrap_err();
        assert!(words.contains(what), "{words}");
    }
    let road = Road { proxy: Some("::not a url::".to_owned()), ..Road::default() };
    assert!(web("https://api.example.com", Scheme::Https, "t", &road).unwrap_err().contains("the proxy"));
}

#[test]
fn words_of_a_server_are_cut_and_lose_the_secret() {
    let secret = SecretString::from("s3cret-token");
    assert_eq!(scrub("bad s3cret-token\r\nhere", &secret), "bad [token]  here");
    assert_eq!(scrub(&"ä".repeat(500), &secret).chars().count(), WORDS_CHARS_MAX);
}

#[test]
fn forms_escape_what_would_be_read_as_something_else() {
    assert_eq!(
        form(&[("data", "a+b c&d=é"), ("zone", "example.com")]),
        "data=a%2Bb+c%26d%3D%C3%A9&zone=example.com"
    );
}

#[test]
fn limits_are_read_from_the_headers() {
    let mut headers = HeaderMap::new();
    assert_eq!((retry_after_ms(&headers), calls_left(&headers)), (None, None));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
    headers.insert("ratelimit", HeaderValue::from_static("\"default\";r=50;t=30"));
    assert_eq!((retry_after_ms(&headers), calls_left(&headers)), (Some(7_000), Some((50, 30))));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("99999999"));
    headers.insert("ratelimit", HeaderValue::from_static("nonsense;r=x"));
    assert_eq!((retry_after_ms(&headers), calls_left(&headers)), (Some(600_000), None));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("Fri, 20 Nov 2026 21:00:00 GMT"));
    assert_eq!(retry_after_ms(&headers), None);
}
