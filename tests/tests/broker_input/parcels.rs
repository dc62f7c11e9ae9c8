//! Parcels by hand, as `runtime/src/backplane/parcel.rs` describes them.

use super::{PATH, ROOM, digest_of_said};

/// A text frame that is a whole message.
const TEXT: u8 = 0x81;

#[derive(Clone)]
pub(super) struct Event {
    pub(super) version: u8,
    pub(super) kind: u8,
    pub(super) node: u64,
    pub(super) topic: [u8; 16],
    pub(super) number: u64,
    pub(super) previous: u64,
    pub(super) count: u64,
    pub(super) procedure: String,
    pub(super) name: String,
    pub(super) digest: u64,
    pub(super) audience: Vec<u8>,
    pub(super) frame: Vec<u8>,
}

impl Event {
    /// To the room. All numbers of the node are on this topic.
    pub(super) fn new(topic: [u8; 16], node: u64, number: u64) -> Self {
        Self {
            version: 1,
            kind: 1,
            node,
            topic,
            number,
            previous: number - 1,
            count: number,
            procedure: PATH.to_owned(),
            name: "said".to_owned(),
            digest: digest_of_said(),
            audience: audience(&vec![room(); 1]),
            frame: frame("forged"),
        }
    }

    pub(super) fn with_text(self, text: &str) -> Self {
        Self { frame: frame(text), ..self }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.version, self.kind];
        bytes.extend(self.node.to_be_bytes());
        bytes.extend(self.topic);
        for number in [self.number, self.previous, self.count] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(text(&self.procedure));
        bytes.extend(text(&self.name));
        bytes.extend(self.digest.to_be_bytes());
        bytes.push(0);
        // Not published on the topic of the procedure.
        bytes.push(0);
        bytes.extend(&self.audience);
        bytes.push(1);
        bytes.extend(u32::try_from(self.frame.len()).expect("short").to_be_bytes());
        bytes.extend(&self.frame);
        bytes
    }
}

pub(super) fn count(count: usize) -> [u8; 2] {
    u16::try_from(count).expect("few").to_be_bytes()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [&count(text.len())[..], text.as_bytes()].concat()
}

/// The part that names the room.
pub(super) fn room() -> Vec<u8> {
    [&[1][..], &text(ROOM)].concat()
}

/// These parts without exceptions.
pub(super) fn audience(parts: &[Vec<u8>]) -> Vec<u8> {
    [&count(parts.len())[..], &parts.concat(), &count(0)].concat()
}

pub(super) fn frame(text: &str) -> Vec<u8> {
    let json = format!(r#"["said",{{"text":"{text}"}}]"#);
    raw_frame(TEXT, json.as_bytes())
}

/// A frame with this first byte.
pub(super) fn raw_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(u8::try_from(length).expect("short")),
        length @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend(count(length));
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A parcel without numbers.
pub(super) fn control(kind: u8, node: u64, content: &[u8]) -> Vec<u8> {
    [&[1, kind][..], &node.to_be_bytes(), content].concat()
}

/// Marks: topic, number, count.
pub(super) fn marks(node: u64, marks: &[([u8; 16], u64, u64)]) -> Vec<u8> {
    let mut content = 1_u64.to_be_bytes().to_vec();
    content.extend(count(marks.len()));
    for (topic, number, count) in marks {
        content.extend(topic);
        content.extend(number.to_be_bytes());
        content.extend(count.to_be_bytes());
    }
    control(3, node, &content)
}

/// A hello with these procedures, and this one event of each.
pub(super) fn hello(
    node: u64,
    paths: impl ExactSizeIterator<Item = String>,
    event: (&str, u64),
) -> Vec<u8> {
    let mut content = 1_u64.to_be_bytes().to_vec();
    content.extend(0_u64.to_be_bytes());
    content.push(0);
    content.extend(count(paths.len()));
    for path in paths {
        content.extend(text(&path));
        content.extend(count(1));
        content.extend(text(event.0));
        content.extend(event.1.to_be_bytes());
    }
    control(4, node, &content)
}

/// Where `part` begins in `bytes`.
pub(super) fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).expect("it is there")
}
