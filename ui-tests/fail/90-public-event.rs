use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    pub async fn send_message(&mut self, text: String);
}

fn main() {}
