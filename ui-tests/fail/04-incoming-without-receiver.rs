use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(text: String);
}

fn main() {}
