use parlor::procedure;

#[procedure]
pub trait Chat {
    #[cfg_attr(all(), incoming)]
    async fn send_message(&mut self, text: String);
}

fn main() {}
