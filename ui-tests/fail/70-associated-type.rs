use parlor::procedure;

#[procedure]
pub trait Chat {
    type User;

    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
