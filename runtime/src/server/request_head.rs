//! The head of a request: its request line and its headers.

use http::StatusCode;
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::handshake::machine::TryParse;

use super::error_response::{ErrorResponse, USES_GET};

/// Returns the length of the head that begins at `start`, if all of it is in `bytes`. Nothing before
/// `searched` ends it.
///
/// Fails at a line that ends with LF alone. RFC 9112 §2.2 leaves it to the recipient to accept such a line. A
/// proxy in front of this server may do that and see another end of the head.
pub(super) fn end(
    bytes: &[u8],
    start: usize,
    searched: usize,
) -> Result<Option<usize>, ErrorResponse> {
    let searched = searched.max(start);
    for (index, _) in bytes[searched..].iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let end = searched + index + 1;
        let head = &bytes[start..end];
        if !head.ends_with(b"\r\n") {
            let line = head.split_inclusive(|byte| *byte == b'\n').count();
            return Err(bad_request(format!(
                "line {line} ends with LF alone: lines of a request end with CRLF"
            )));
        }
        if head.ends_with(b"\r\n\r\n") {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// Parses a whole head.
pub(super) fn parse(head: &[u8]) -> Result<http::Request<()>, ErrorResponse> {
    http::Request::<()>::try_parse(head)
        .map_err(|error| match error {
            Error::Capacity(CapacityError::TooManyHeaders) => too_large("too many headers"),
            Error::Protocol(ProtocolError::WrongHttpMethod) => {
                ErrorResponse::wrong_method(USES_GET)
            }
            Error::Protocol(ProtocolError::WrongHttpVersion) => ErrorResponse::wrong_version(),
            _ => bad_request(problem(head)),
        })?
        .map(|(_, request)| request)
        .ok_or_else(|| bad_request(problem(head)))
}

pub(super) fn too_large(message: &str) -> ErrorResponse {
    ErrorResponse::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message)
}

fn bad_request(message: String) -> ErrorResponse {
    ErrorResponse::new(StatusCode::BAD_REQUEST, message)
}

/// What is wrong with a head that is not parsed. It repeats at most one byte of the client, escaped.
fn problem(head: &[u8]) -> String {
    let lines =
        head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut problems = lines.enumerate().filter_map(|(index, line)| {
        let problem = if index == 0 { request_line_problem(line) } else { header_problem(line) };
        Some(format!("line {} {}", index + 1, problem?))
    });
    problems.next().unwrap_or_else(|| "line 1 has a target that is not a path".to_owned())
}

fn request_line_problem(line: &[u8]) -> Option<String> {
    let mut parts = line.split(|byte| *byte == b' ');
    let parts = (parts.next()?, parts.next(), parts.next(), parts.next());
    let (method, Some(target @ [_, ..]), Some(version), None) = parts else {
        return Some("is not a request line, as in `GET /chat HTTP/1.1`".to_owned());
    };
    if let Some(byte) = find(method, |byte| !is_name_byte(byte)) {
        return Some(format!("has a method that contains `{byte}`"));
    }
    if let Some(byte) = find(target, |byte| !byte.is_ascii_graphic()) {
        return Some(format!("has a target that contains `{byte}`"));
    }
    let is_known = matches!(version, b"HTTP/1.0" | b"HTTP/1.1");
    (!is_known)
        .then(|| "has another version than HTTP/1.1, which a WebSocket handshake uses".to_owned())
}

fn header_problem(line: &[u8]) -> Option<String> {
    if line.is_empty() {
        return None;
    }
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Some("is folded, which HTTP/1.1 does not allow (RFC 9112 §5.2)".to_owned());
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let problem = match colon.map(|colon| line.split_at(colon)) {
        None => "it has no colon".to_owned(),
        Some((b"", _)) => "it has no name".to_owned(),
        Some((name, _)) if name.contains(&b' ') => "its name contains a space".to_owned(),
        Some((name, value)) => {
            if let Some(byte) = find(name, |byte| !is_name_byte(byte)) {
                format!("its name contains `{byte}`")
            } else {
                let byte = find(value, |byte| byte.is_ascii_control() && byte != b'\t')?;
                format!("its value contains `{byte}`")
            }
        }
    };
    Some(format!("is not a header: {problem}"))
}

/// The first such byte, escaped.
fn find(bytes: &[u8], is_wrong: impl Fn(u8) -> bool) -> Option<std::ascii::EscapeDefault> {
    bytes.iter().copied().find(|byte| is_wrong(*byte)).map(std::ascii::escape_default)
}

/// Returns whether the byte may be in the name of a header or a method (RFC 9110 §5.6.2).
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
