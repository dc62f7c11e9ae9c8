use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(length(max = "100"))] text: String);
}

fn main() {}
