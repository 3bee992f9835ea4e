//! Requests as they go over the wire, made before the run.

/// Returns a POST of a JSON body to `path`, in bytes.
///
/// `host` is [`Target::host`](super::Target::host); `token` is a bearer token, `None` where none is asked for. Line
/// breaks in them would begin another header: they are left out.
#[must_use]
pub fn post(path: &str, token: Option<&str>, host: &str, body: &str) -> Vec<u8> {
    let line = |text: &str| text.replace(['\r', '\n'], "");
    let authorization =
        token.map(|token| format!("Authorization: Bearer {}\r\n", line(token))).unwrap_or_default();
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        line(path),
        line(host),
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_one_request_whatever_its_parts_hold() {
        assert_eq!(
            String::from_utf8(post("/v1/x", Some("t\r\nX: y"), "h:1", "{\"a\":\"ü\"}")).unwrap(),
            "POST /v1/x HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer tX: y\r\n\
             Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"a\":\"ü\"}"
        );
        assert!(!String::from_utf8(post("/", None, "h", "")).unwrap().contains("Authorization"));
    }
}
