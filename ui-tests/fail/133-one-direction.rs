use parlor::payload;

#[payload(typescript)]
pub struct Message {
    #[serde(flatten, skip_deserializing)]
    pub author: Author,
}

#[payload(typescript)]
#[derive(Default)]
pub struct Author {
    pub name: String,
}

#[payload(typescript)]
#[serde(untagged)]
pub enum Value {
    Number(i64),
    #[serde(skip_serializing)]
    Text(String),
}

fn main() {}
