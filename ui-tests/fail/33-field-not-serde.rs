use parlor::procedure;

pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, message: Message);

    #[outgoing]
    fn new_message(message: Message, by: Vec<Message>);
}

fn main() {}
