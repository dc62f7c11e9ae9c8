use parlor::payload;

#[payload]
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Message {
    pub text: String,
}

fn main() {}
