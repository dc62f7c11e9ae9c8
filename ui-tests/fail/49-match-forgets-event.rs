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

fn handle(event: ChatEvent) {
    match event {
        ChatEvent::NewMessage { text, .. } => println!("{text}"),
        ChatEvent::Connection(change) => println!("{change}"),
    }
}

fn main() {}
