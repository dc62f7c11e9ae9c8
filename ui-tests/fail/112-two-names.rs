use parlor::payload;

#[payload(typescript)]
#[serde(rename_all(serialize = "camelCase", deserialize = "snake_case"))]
pub struct Message {
    pub user_id: String,
    #[serde(rename(serialize = "text", deserialize = "body"))]
    pub what: String,
    #[serde(rename(serialize = "to", deserialize = "to"))]
    #[ts(rename = "to")]
    pub room: String,
}

fn main() {}
