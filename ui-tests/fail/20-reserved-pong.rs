use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing(name = "pong")]
    fn answer();
}

fn main() {}
