use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming(rename = "say")]
    async fn send_message(&mut self, text: String);
}

fn main() {}
