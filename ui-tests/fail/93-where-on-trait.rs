use parlor::procedure;

#[procedure]
pub trait Chat
where
    Self: Clone,
{
    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
