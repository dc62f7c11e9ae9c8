use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming(latest)]
    async fn send_message(&mut self, text: String);

    #[incoming(latest = user_id)]
    async fn typing(&mut self, user_id: String);
}

fn main() {}
