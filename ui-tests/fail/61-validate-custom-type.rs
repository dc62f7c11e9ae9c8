use parlor::procedure;

fn even(number: &u64) -> Result<(), &'static str> {
    if number % 2 == 0 { Ok(()) } else { Err("odd") }
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(custom(even))] text: String);
}

fn main() {}
