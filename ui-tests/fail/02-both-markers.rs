use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    #[outgoing]
    async fn send_message(&mut self, text: String);
}

fn main() {}
