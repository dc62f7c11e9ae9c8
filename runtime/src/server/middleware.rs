use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::blocking_watcher::UserCode;
use crate::reject::Reject;
use crate::request::Request;

type Step = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Request, Reject>> + Send + Sync>;

/// Functions of the user that check a request, in order, before its session is created.
#[derive(Clone, Default)]
pub(super) struct Middleware(Vec<Step>);

impl Middleware {
    pub(super) fn push<F, Fut>(&mut self, step: F)
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Request, Reject>> + Send + 'static,
    {
        self.0.push(Arc::new(move |request| step(request).boxed()));
    }

    /// `code` names it in logs.
    pub(super) async fn run(
        &self,
        mut request: Request,
        code: UserCode,
    ) -> Result<Request, Reject> {
        for step in &self.0 {
            request = code.poll(code.run(|| step(request))).await?;
        }
        Ok(request)
    }
}

/// Runs user code of an admission. A panic is logged and becomes a rejection.
pub(super) async fn catch_panic<T>(
    what: &'static str,
    code: impl Future<Output = Result<T, Reject>>,
) -> Result<T, Reject> {
    AssertUnwindSafe(code).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("{what} panicked: the connection is rejected");
        Err(Reject::server_failed())
    })
}
