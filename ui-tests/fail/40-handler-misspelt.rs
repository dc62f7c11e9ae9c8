// rustc reports both that one method is not in the trait and that the other is missing, as for any trait.

use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);

    #[outgoing]
    fn new_message(text: String, loud: bool);

    #[outgoing]
    fn user_left(user_id: String);
}

struct Guest;

impl Chat for Guest {
    async fn send_mesage(&mut self, _: String) {}
}

fn main() {}
