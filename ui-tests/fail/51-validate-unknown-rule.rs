use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(len(max = 100))] text: String);
}

fn main() {}
