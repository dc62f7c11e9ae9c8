use parlor::payload;

#[payload(typescipt)]
pub struct Message {
    pub text: String,
}

fn main() {}
