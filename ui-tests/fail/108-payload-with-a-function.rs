use parlor::payload;

#[payload(typescript)]
pub struct Message {
    #[serde(serialize_with = "write")]
    pub text: String,
}

fn write<S: serde::Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

fn main() {}
