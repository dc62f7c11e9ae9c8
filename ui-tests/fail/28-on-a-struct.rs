use parlor::procedure;

#[procedure]
pub struct Chat {
    pub text: String,
}

fn main() {}
