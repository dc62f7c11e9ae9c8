use parlor::payload;

#[payload(typescript)]
pub struct Message {
    pub text: String,
    pub author: Author,
}

#[payload]
pub struct Author {
    pub name: String,
}

fn main() {}
