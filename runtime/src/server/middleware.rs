use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::reject::Reject;
use crate::request::Request;
use crate::user_code::UserCode;

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
            let step = catch_panic(code, || step(request))?;
            request = catch_panics(code, step).await??;
        }
        Ok(request)
    }
}

/// Runs user code of an admission. A panic is logged with its name and becomes a rejection.
pub(super) fn catch_panic<T>(code: UserCode, run: impl FnOnce() -> T) -> Result<T, Reject> {
    code.run(|| catch_unwind(AssertUnwindSafe(run))).map_err(|_| {
        let UserCode { name, procedure, id, .. } = code;
        let id = id.map(tracing::field::display);
        tracing::error!(procedure, id, "{name} panicked: the connection is rejected");
        Reject::server_failed()
    })
}

/// The same for each poll of a future of the user.
pub(super) async fn catch_panics<F: Future>(
    code: UserCode,
    future: F,
) -> Result<F::Output, Reject> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_panic(code, || future.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(reject) => Poll::Ready(Err(reject)),
    })
    .await
}
