use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(inner(length(max = 10)))] text: String);
}

fn main() {}
