use parlor::payload;

#[payload(typescript)]
#[serde(rename(serialize = "Note", deserialize = "Message"))]
pub struct Message {
    #[serde(rename(serialize = "text", deserialize = "body"))]
    pub text: String,
}

fn main() {}
