use parlor::incoming;

#[incoming]
async fn send_message(text: String) {
    drop(text);
}

fn main() {
    drop(send_message(String::new()));
}
