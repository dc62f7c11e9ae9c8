//! What a server says of itself.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, cmd};
use tokio::time::sleep;

use super::address::Address;
use super::failure::Failure;

/// How long it may take until a server that is no primary any more is detected, if it answers at once.
const ROLE_INTERVAL: Duration = Duration::from_secs(2);

/// The id of this run of the server, which must be a primary.
pub(super) async fn run_id(
    mut connection: MultiplexedConnection,
    address: &Address,
) -> Result<String, Failure> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("INFO").arg("server").cmd("INFO").arg("replication");
    let (server, replication): (String, String) = pipeline
        .query_async(&mut connection)
        .await
        .map_err(|error| Failure::of_handshake(&error, address))?;
    if field(&server, "redis_mode") == Some("sentinel") {
        let reason = "it is a Sentinel, and Parlor asks none: use an address of the primary";
        return Err(Failure::Unusable(reason.to_owned()));
    }
    check_role(&replication)?;
    let Some(run_id) = field(&server, "run_id") else {
        return Err(Failure::Unusable("it does not say `run_id` in `INFO server`".to_owned()));
    };
    Ok(run_id.to_owned())
}

/// Ready when the server is no primary any more.
///
/// A failover may leave the connections to the previous primary open, and a replica accepts `PUBLISH`. So nothing
/// else tells this, while other nodes connect to the new primary.
pub(super) async fn demoted(mut connection: MultiplexedConnection) -> Failure {
    loop {
        sleep(ROLE_INTERVAL).await;
        // Without a timeout: a reply may be late, and Parlor's probe detects a server that does not answer.
        let replication: Result<String, _> =
            cmd("INFO").arg("replication").query_async(&mut connection).await;
        // An error says nothing of the role. The task of the connection reports its end.
        if let Ok(replication) = replication
            && let Err(failure) = check_role(&replication)
        {
            return failure;
        }
    }
}

fn check_role(replication: &str) -> Result<(), Failure> {
    if matches!(field(replication, "role"), Some("slave" | "replica")) {
        let reason = "it is a replica, and what is published there reaches no other server: use an address \
                      of the primary";
        return Err(Failure::Unusable(reason.to_owned()));
    }
    Ok(())
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}
