//! Encodes what was decoded, for tests: each parcel has one form.

use super::{Event, Message, Received, encode_bye, encode_marks, encode_probe, write_position};

/// Decodes a parcel and encodes it again. `None`: it is refused.
pub(crate) fn reencode(parcel: &[u8]) -> Option<Vec<u8>> {
    let Received { node, message } = Received::decode(parcel).ok()?;
    let encoded = match message {
        Message::Event(position, event) => {
            let Event { procedure, name, digest, key, audience, is_on_procedure, frame } = event;
            let about = (procedure, name, digest);
            Event::encode(node, about, key, is_on_procedure, &audience, frame).map(|mut bytes| {
                write_position(&position, &mut bytes);
                bytes
            })
        }
        Message::Presence(position, update) => update.encode(node).map(|mut bytes| {
            write_position(&position, &mut bytes);
            bytes
        }),
        Message::Marks { incarnation, marks } => encode_marks(node, incarnation, &marks),
        Message::Hello(hello) => hello.encode(node),
        Message::Ask(ask) => ask.encode(node),
        Message::Answer(answer) => answer.encode(node),
        Message::Bye => Ok(encode_bye(node)),
        Message::Probe(probe) => Ok(encode_probe(node, probe)),
    };
    // What fits into a parcel once fits again.
    Some(encoded.unwrap_or_default())
}
