//! The API of the fuzz targets, under `--cfg fuzzing`.

#![allow(missing_docs, reason = "only fuzz targets use it")]

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::Router;
use crate::contract::Contract;
use crate::wire::{CallId, Head};

const JSON_WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The name, the payload and the id of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    pub name: String,
    pub payload: String,
    pub id: Option<u64>,
}

/// Parses a message as a session does.
pub fn parse(text: &str) -> Option<Parts> {
    Head::parse(text).ok().map(|head| parts(text, &head))
}

/// Parses a message with the slow parser. `parse` must return the same.
pub fn parse_strictly(text: &str) -> Option<Parts> {
    Head::parse_strictly(text).ok().map(|head| parts(text, &head))
}

fn parts(text: &str, head: &Head) -> Parts {
    let (name, payload) =
        (head.name(text).to_owned(), head.payload(text).trim_matches(JSON_WHITE_SPACE).to_owned());
    Parts { name, payload, id: head.id.map(CallId::get) }
}

/// Decodes a message as a session does, or returns the error reply with its header.
pub fn read<E: Contract>(text: &str) -> Result<E::Incoming, Option<Vec<u8>>> {
    crate::session::read::<E>(text).map_err(|frame| frame.map(|frame| frame.as_bytes().to_vec()))
}

/// Runs the handshake of a client over a stream that is not a TCP connection.
pub async fn connect(
    router: &Router,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) {
    crate::server::connect(router, stream).await;
}

/// Returns the resume secret as text and the number of received frames in a
/// `Sec-WebSocket-Protocol` header.
pub fn resume(protocols: &[u8]) -> Option<(String, u64)> {
    let request = http::Request::builder().header(http::header::SEC_WEBSOCKET_PROTOCOL, protocols);
    let request = crate::request::Request::new(request.body(()).ok()?, None);
    request.resume()?.ok().map(|(secret, received)| (secret.encode(), received))
}

/// Returns the source address and the length of a PROXY protocol header at the beginning of `bytes`.
pub fn proxy_header(bytes: &[u8]) -> Option<(Option<SocketAddr>, usize)> {
    let header = crate::server::ProxyHeader::parse(bytes, usize::MAX).ok()??;
    Some((header.source, header.length))
}

/// Decodes a parcel of another node and encodes it again. `None`: it is refused.
pub fn reencode_parcel(bytes: &[u8]) -> Option<Vec<u8>> {
    crate::backplane::reencode(bytes)
}
