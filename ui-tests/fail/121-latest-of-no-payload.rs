use parlor::{payload, procedure};

pub struct Hidden;

#[payload]
pub struct Message {
    #[serde(skip_serializing_if = "never", default = "hidden", with = "written")]
    pub hidden: Hidden,
}

#[procedure]
pub trait Chat {
    #[outgoing(latest = author)]
    fn new_message(author: Hidden, text: String);

    #[outgoing(latest = message)]
    fn whole(#[payload] message: Hidden);

    #[outgoing(latest = message.hidden)]
    fn inside(#[payload] message: Message);
}

fn never(_: &Hidden) -> bool {
    false
}

fn hidden() -> Hidden {
    Hidden
}

mod written {
    pub fn serialize<S: serde::Serializer>(_: &super::Hidden, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_unit()
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(_: D) -> Result<super::Hidden, D::Error> {
        Ok(super::Hidden)
    }
}

fn main() {}
