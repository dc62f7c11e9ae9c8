use parlor::procedure;

#[procedure]
pub unsafe trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
