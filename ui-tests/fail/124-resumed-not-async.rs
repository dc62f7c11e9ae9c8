use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

struct Guest;

impl Chat for Guest {
    async fn send_message(&mut self, _: String) {}

    fn resumed(&mut self, _: parlor::Request) -> Result<(), parlor::Reject> {
        Ok(())
    }
}

fn main() {}
