use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(length(maximum = 100))] text: String);
}

fn main() {}
