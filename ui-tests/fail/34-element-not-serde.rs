use parlor::procedure;

pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[outgoing]
    fn history(messages: Vec<Message>);
}

fn main() {}
