use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);

    #[incoming]
    async fn send_message(&mut self, text: String, loud: bool);
}

fn main() {}
