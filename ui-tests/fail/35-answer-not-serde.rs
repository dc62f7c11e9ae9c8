use parlor::procedure;

pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn last_message(&mut self) -> Message;
}

fn main() {}
