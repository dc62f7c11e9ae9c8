use parlor::procedure;

#[procedure(name = 7)]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
