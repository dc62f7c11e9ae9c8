use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming(name)]
    async fn send_message(&mut self, text: String);
}

fn main() {}
