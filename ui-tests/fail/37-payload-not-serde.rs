use parlor::procedure;

#[derive(serde::Serialize)]
pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(#[payload] message: Message);
}

fn main() {}
