use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

struct Guest;

impl Chat for Guest {
    async fn send_message(&mut self, _: String) {}

    async fn resumed(&mut self) -> Result<(), parlor::Reject> {
        Ok(())
    }
}

fn main() {}
