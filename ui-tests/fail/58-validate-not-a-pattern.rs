use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(pattern("[a-z"))] text: String);
}

fn main() {}
