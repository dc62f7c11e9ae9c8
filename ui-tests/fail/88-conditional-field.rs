use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[cfg(unix)] text: String);
}

fn main() {}
