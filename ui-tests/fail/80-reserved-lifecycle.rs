use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn disconnect(why: String);
}

fn main() {}
