use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    async fn new_message(text: String);
}

fn main() {}
