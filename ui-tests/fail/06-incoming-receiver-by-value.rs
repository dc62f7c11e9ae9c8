use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(self, text: String);
}

fn main() {}
