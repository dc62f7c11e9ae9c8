use parlor::procedure;

#[procedure(name = "chat", name = "Chat")]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
