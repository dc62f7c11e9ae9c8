use parlor::procedure;

pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, message: Message);
}

fn main() {}
