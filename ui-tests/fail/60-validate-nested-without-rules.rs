use parlor::procedure;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(nested)] message: Message);
}

fn main() {}
