use parlor::procedure;

#[procedure]
pub trait Chat {
    const LIMIT: usize;

    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
