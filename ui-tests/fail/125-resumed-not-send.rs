use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);
}

struct Guest;

impl Chat for Guest {
    async fn send_message(&mut self, _: String) {}

    async fn resumed(&mut self, _: parlor::Request) -> Result<(), parlor::Reject> {
        let local = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(local);
        Ok(())
    }
}

fn main() {}
