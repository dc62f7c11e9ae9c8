use parlor::procedure;

struct Chat;

#[procedure]
impl Chat {
    pub fn send_message(&mut self) {}
}

fn main() {
    Chat.send_message();
}
