use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing(name = "$welcome")]
    fn welcome();
}

fn main() {}
