use parlor::procedure;

#[procedure]
pub trait Chat {
    async fn send_message(&mut self, text: String);
}

fn main() {}
