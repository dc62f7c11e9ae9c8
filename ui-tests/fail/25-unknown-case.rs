use parlor::procedure;

#[procedure(rename_all = "camel")]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
