use super::dispatch::dispatch;
use super::driver::{Driver, Run};
use super::{DisconnectReason, Guard, Presence};
use crate::contract::Procedure;
use crate::server::{Connection, Mode};

/// One client's session: the user's value, and its place among the others.
pub(crate) struct Session<S> {
    pub(crate) value: S,
    pub(crate) presence: Presence,
    pub(crate) guard: Option<Guard<S>>,
}

/// The session's task: handles what its connection brings until it ends, then says goodbye.
pub(crate) async fn run<E: Procedure<S>, S>(
    session: Session<S>,
    connection: Connection,
    mode: Mode,
) {
    let Session { mut value, presence, guard } = session;
    let mut driver = Driver::new(connection, presence.member().clone(), mode);
    let reason = loop {
        let arrival = match driver.next().await {
            Ok(arrival) => arrival,
            Err(reason) => break reason,
        };
        if let Err(reason) =
            dispatch::<E, S>(&mut value, guard.as_ref(), &mut driver, arrival).await
        {
            break reason;
        }
    };
    log(&reason);
    let goodbye = E::disconnected(&mut value, reason.clone());
    if let Run::Panicked = driver.drive(None, goodbye).await {
        tracing::error!("`disconnected` panicked");
    }
    presence.leave_rooms();
    driver.finish(&reason).await;
}

fn log(reason: &DisconnectReason) {
    match reason {
        DisconnectReason::TooSlow | DisconnectReason::ProtocolViolation { .. } => {
            tracing::warn!(%reason, "session ended");
        }
        _ => tracing::debug!(%reason, "session ended"),
    }
}
