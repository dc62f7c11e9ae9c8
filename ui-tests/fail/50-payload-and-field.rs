use parlor::procedure;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(room: String, #[payload] message: Message);
}

fn main() {}
