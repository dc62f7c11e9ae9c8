//! Recognizes frames of other protocols, for error messages.

/// Returns the name of the protocol that a text frame seems to be of.
pub(super) fn recognize(text: &str) -> Option<&'static str> {
    let is_any = |frames: &[&str]| frames.iter().any(|frame| text.starts_with(frame));
    // The first keys are enough, and clients choose the length of the text.
    let start = text.as_bytes().get(..512).unwrap_or(text.as_bytes());
    let contains = |key: &str| start.windows(key.len()).any(|window| window == key.as_bytes());

    let after_digits = text.trim_start_matches(|char: char| char.is_ascii_digit());
    if matches!(text, "2" | "3" | "40" | "41" | "2probe" | "3probe")
        || (after_digits.len() < text.len() && after_digits.starts_with(['[', '{', '/']))
    {
        Some("Socket.IO")
    } else if is_any(&["CONNECT\n", "CONNECT\r", "STOMP\n", "STOMP\r"])
        || is_any(&["SUBSCRIBE\n", "SUBSCRIBE\r", "SEND\n", "SEND\r"])
    {
        Some("STOMP")
    } else if is_any(&[r#"["{\""#, r#"["[\""#]) {
        Some("SockJS")
    } else if text.ends_with('\u{1e}') {
        Some("SignalR")
    } else if contains("\"connection_init\"")
        || (contains("\"subscribe\"") && contains("\"query\""))
    {
        Some("graphql-ws")
    } else if contains("\"jsonrpc\"") {
        Some("JSON-RPC")
    } else if text.starts_with('[') && (contains("\"phx_") || contains("\"phoenix\"")) {
        Some("Phoenix")
    } else {
        None
    }
}
