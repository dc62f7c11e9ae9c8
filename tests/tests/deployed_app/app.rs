use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use axum::routing::get;
use parlor::Router;
use tokio::net::TcpListener;

/// Serves until `stop` is ready.
pub async fn serve(
    listener: TcpListener,
    procedures: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    let is_stopping = Arc::clone(&stopping);
    let health = async move || {
        if is_stopping.load(Ordering::Relaxed) {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    };
    let app =
        axum::Router::new().route("/health", get(health)).nest_service("/api", procedures.clone());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            stop.await;
            stopping.store(true, Ordering::Relaxed);
            procedures.shutdown().await;
        })
        .await
}
