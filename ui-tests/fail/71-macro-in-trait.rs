use parlor::procedure;

#[procedure]
pub trait Chat {
    events! { send_message, new_message }

    #[incoming]
    async fn send_message(&mut self, text: String);
}

fn main() {}
