use parlor::{payload, procedure};

#[payload]
pub struct Message {
    pub text: String,
}

#[procedure(typescript)]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, message: Message);
}

fn main() {}
