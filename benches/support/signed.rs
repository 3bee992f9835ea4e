//! Signed calls as bytes, with the development key, and their answers.

use std::{fmt::Write as _, net::SocketAddr};

use pai_authz::{
    client::{AccessKey, Call, signed_headers},
    service::DEV_ACCESS_KEY,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Returns a call to a path, with a query, signed now.
pub(crate) fn signed(
    address: SocketAddr,
    action: &str,
    method: &str,
    (path, query): (&str, &str),
    body: &str,
) -> Vec<u8> {
    let key = AccessKey { id: DEV_ACCESS_KEY.0.to_owned(), secret: DEV_ACCESS_KEY.1.to_owned() };
    let version = Some("2021-02-04");
    let call = Call { action, version, method, path, query, body: body.as_bytes() };
    let mark = if query.is_empty() { "" } else { "?" };
    let mut text = format!("{method} {path}{mark}{query} HTTP/1.1\r\n");
    for (name, value) in signed_headers(&key, &address.to_string(), &call) {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    text.into_bytes()
}

/// Sends a request, reads its answer whole, and returns whether the connection goes on.
pub(crate) async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> bool {
    stream.write_all(request).await.unwrap();
    buffer.clear();
    let (mut whole, mut goes_on) = (None, true);
    loop {
        assert_ne!(stream.read_buf(buffer).await.unwrap(), 0, "the server closed the connection");
        if whole.is_none()
            && let Some(head) = buffer.windows(4).position(|w| w == b"\r\n\r\n")
        {
            let text = std::str::from_utf8(buffer.get(..head).unwrap()).unwrap().to_lowercase();
            assert!(text.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(buffer));
            let length =
                text.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
            goes_on = !text.contains("connection: close");
            whole = Some(head + 4 + length.parse::<usize>().unwrap());
        }
        if whole.is_some_and(|whole| buffer.len() >= whole) {
            return goes_on;
        }
    }
}
