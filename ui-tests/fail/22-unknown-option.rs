use parlor::procedure;

#[procedure(rename = "camelCase")]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
