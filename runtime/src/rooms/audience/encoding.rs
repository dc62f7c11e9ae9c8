//! An audience as bytes, for the other nodes of a cluster.

use std::ops::Range;

use super::{Audience, ExceptedPart, MAX_PARTS, Part, Parts};
use crate::wire::binary::{Reader, TooLong, put_count, put_socket, put_text};

const ALL: u8 = 0;
const ROOM: u8 = 1;
const SOCKET: u8 = 2;

impl Audience {
    /// Fails for one that [`is_too_long`](Self::is_too_long), and for a name of more than 65 535 bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        if self.is_too_long() {
            return Err(TooLong);
        }
        let Parts { names, list, exceptions } = &self.0;
        put_count(list.len(), out)?;
        for part in list {
            encode_part(part, names, out)?;
        }
        put_count(exceptions.len(), out)?;
        for ExceptedPart { part, from } in exceptions {
            encode_part(part, names, out)?;
            put_count(from.start, out)?;
            put_count(from.end, out)?;
        }
        Ok(())
    }

    /// Returns `None` for bytes that [`encode`](Self::encode) does not write.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut audience = Self::empty();
        let parts = &mut audience.0;
        let count = reader.u16()?.into();
        if count > MAX_PARTS {
            return None;
        }
        let mut has_all = false;
        for _ in 0..count {
            let part = decode_part(reader, &mut parts.names)?;
            // Each would visit all members.
            if matches!(part, Part::All) && std::mem::replace(&mut has_all, true) {
                return None;
            }
            parts.list.push(part);
        }
        let exceptions: usize = reader.u16()?.into();
        if count + exceptions > MAX_PARTS {
            return None;
        }
        for _ in 0..exceptions {
            let part = decode_part(reader, &mut parts.names)?;
            let from: Range<usize> = reader.u16()?.into()..reader.u16()?.into();
            if from.end > count {
                return None;
            }
            parts.exceptions.push(ExceptedPart { part, from });
        }
        Some(audience)
    }
}

fn encode_part(part: &Part, names: &str, out: &mut Vec<u8>) -> Result<(), TooLong> {
    match part {
        Part::All => out.push(ALL),
        Part::Room(name) => {
            out.push(ROOM);
            put_text(names.get(name.clone()).unwrap_or_default(), out)?;
        }
        Part::Socket(socket) => {
            out.push(SOCKET);
            put_socket(*socket, out);
        }
    }
    Ok(())
}

fn decode_part(reader: &mut Reader<'_>, names: &mut String) -> Option<Part> {
    Some(match reader.u8()? {
        ALL => Part::All,
        ROOM => {
            let start = names.len();
            names.push_str(reader.text()?);
            Part::Room(start..names.len())
        }
        SOCKET => Part::Socket(reader.socket()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rooms::{Target, rooms};
    use crate::socket_id::SocketId;

    fn encoded(audience: &Audience) -> Vec<u8> {
        let mut bytes = Vec::new();
        audience.encode(&mut bytes).expect("short");
        bytes
    }

    fn decoded(bytes: &[u8]) -> Option<Audience> {
        let mut reader = Reader::new(bytes);
        Audience::decode(&mut reader).filter(|_| reader.is_empty())
    }

    #[test]
    fn audience_is_equal_after_encoding() {
        let socket = SocketId::random().expect("random bits");
        let audiences = [
            Audience::all(),
            Audience::all().except(socket),
            Audience::new(&[
                rooms("a").except("b"),
                rooms(["a", "", "ü"]).except(socket),
                rooms(socket),
            ]),
            Audience::new(&Vec::<String>::new()),
        ];
        for audience in audiences {
            let bytes = encoded(&audience);
            let again = decoded(&bytes).expect("an audience");
            // The names of rooms may be stored in another order.
            let parts = |audience: &Audience| {
                let parts = audience.parts().map(|(index, part)| {
                    let exceptions: Vec<_> = audience.exceptions(index).collect();
                    format!("{part:?} without {exceptions:?}")
                });
                parts.collect::<Vec<_>>()
            };
            assert_eq!(parts(&again), parts(&audience));
            for length in 0..bytes.len() {
                assert!(decoded(&bytes[..length]).is_none(), "{length} of {bytes:?}");
            }
        }
    }

    #[test]
    fn too_many_parts_and_a_too_long_name_are_errors() {
        let many: Vec<String> = (0..=MAX_PARTS).map(|room| room.to_string()).collect();
        let long = "x".repeat(70_000);
        assert_eq!(Audience::new(&many).encode(&mut Vec::new()), Err(TooLong));
        assert_eq!(Audience::new(&many[1..].to_vec()).encode(&mut Vec::new()), Ok(()));
        assert_eq!(Audience::new(&long).encode(&mut Vec::new()), Err(TooLong));
        let mut audience = Audience::new(&"a");
        rooms("b").except(many).add_to(&mut audience);
        assert_eq!(audience.encode(&mut Vec::new()), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(0_u8..6, 0..200)) {
            if let Some(audience) = decoded(&bytes) {
                prop_assert_eq!(encoded(&audience), bytes);
            }
        }
    }
}
