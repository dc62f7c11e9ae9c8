use parlor::procedure;

#[procedure]
pub trait Chat {
    #[cfg_attr(any(), incoming)]
    async fn send_message(&mut self, text: String);

    #[cfg_attr(all(), outgoing)]
    #[cfg_attr(all(), incoming)]
    fn new_message(text: String);

    #[cfg_attr(all(), doc = "An answer.", outgoing, deprecated)]
    fn answer() -> u8;
}

fn main() {}
