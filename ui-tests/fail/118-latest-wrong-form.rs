use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing(latest = "user_id")]
    fn text(user_id: String, x: u32);

    #[outgoing(latest = "user")]
    fn other_text(user_id: String, x: u32);

    #[outgoing(latest(user_id))]
    fn list(user_id: String, x: u32);

    #[outgoing(latest())]
    fn empty_list(user_id: String, x: u32);

    #[outgoing(latest =)]
    fn nothing(user_id: String, x: u32);

    #[outgoing(latest = "")]
    fn without_arguments();

    #[outgoing(latest = user_id.len())]
    fn call(user_id: String, x: u32);

    #[outgoing(latest = user_id.)]
    fn half_typed(user_id: String, x: u32);

    #[outgoing(latest = &x)]
    fn reference(user_id: String, x: u32);

    #[outgoing(latest = 1)]
    fn number(user_id: String, x: u32);
}

fn main() {}
