use parlor::procedure;

#[procedure]
pub async fn send_message(text: String) {
    drop(text);
}

fn main() {}
