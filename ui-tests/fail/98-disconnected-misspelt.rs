use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);

    #[outgoing]
    fn new_message(text: String, loud: bool);

    #[outgoing]
    fn user_left(user_id: String);
}

struct Guest;

impl Chat for Guest {
    async fn send_message(&mut self, _: String) {}

    async fn disconected(&mut self, _: parlor::DisconnectReason) {}
}

fn main() {}
