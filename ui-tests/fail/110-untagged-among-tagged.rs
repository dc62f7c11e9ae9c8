use parlor::payload;

#[payload(typescript)]
#[serde(tag = "kind")]
pub enum Message {
    Text { text: String },
    #[serde(untagged)]
    Other { what: String },
}

fn main() {}
