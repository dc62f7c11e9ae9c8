use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming(volatile)]
    async fn send_message(&mut self, text: String);

    #[outgoing(volatile = true)]
    fn new_message(text: String);

    #[outgoing(newest)]
    fn typing(user_id: String);
}

fn main() {}
