use parlor::procedure;

#[procedure]
pub trait Chat<T> {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
