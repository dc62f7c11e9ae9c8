//! What the fuzz targets reach: there under `--cfg fuzzing` only.

#![allow(missing_docs, reason = "nobody's but the fuzz targets'")]

use tokio::io::{AsyncRead, AsyncWrite};

use crate::contract::Contract;
use crate::server::Router;
use crate::wire::{CallId, Head};

/// White space as JSON has it.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The name, the payload and the id of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    pub name: String,
    pub payload: String,
    pub id: Option<u64>,
}

/// As a session takes a message apart.
pub fn parse(text: &str) -> Option<Parts> {
    Head::parse(text).ok().map(|head| parts(text, &head))
}

/// As the slow way does, which the fast one must agree with.
pub fn parse_strictly(text: &str) -> Option<Parts> {
    Head::parse_strictly(text).ok().map(|head| parts(text, &head))
}

fn parts(text: &str, head: &Head) -> Parts {
    let (name, payload) =
        (head.name(text).to_owned(), head.payload(text).trim_matches(SPACE).to_owned());
    Parts { name, payload, id: head.id.map(CallId::get) }
}

/// Decodes a message as a session does, or returns the frame that refuses it, header and all.
pub fn read<E: Contract>(text: &str) -> Result<E::Incoming, Option<Vec<u8>>> {
    crate::session::read::<E>(text).map_err(|frame| frame.map(|frame| frame.as_bytes().to_vec()))
}

/// Shakes hands with a client, as the listener does, over a stream that is no TCP connection.
pub async fn connect(
    router: &Router,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) {
    crate::server::connect(router, stream).await;
}

/// What a request asks to resume with, by its `Sec-WebSocket-Protocol`: the secret as text, and the
/// number of frames.
pub fn resume(protocols: &[u8]) -> Option<(String, u64)> {
    let request = http::Request::builder().header(http::header::SEC_WEBSOCKET_PROTOCOL, protocols);
    let request = crate::server::Request::new(request.body(()).ok()?, None);
    request.resume().map(|(secret, received)| (secret.encode(), received))
}
