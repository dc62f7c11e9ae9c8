use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::{MethodRouter, get};
use parlor::Router;
use parlor::typescript::TypeScript;

/// The page at `/` with its assets, which `npm run build` in `web` writes. The procedures are under
/// `/api`.
pub fn app(procedures: Router) -> axum::Router {
    axum::Router::new()
        .route("/", asset("text/html; charset=utf-8", include_str!("web/dist/index.html")))
        .route("/app.css", asset("text/css; charset=utf-8", include_str!("web/dist/app.css")))
        .route("/app.js", asset("text/javascript; charset=utf-8", include_str!("web/dist/app.js")))
        .route("/favicon.svg", asset("image/svg+xml", include_str!("web/dist/favicon.svg")))
        .nest_service("/api", procedures)
}

fn asset(kind: &'static str, content: &'static str) -> MethodRouter {
    get(async move || {
        let headers = [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, "no-cache"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONTENT_SECURITY_POLICY, POLICY),
        ];
        (headers, content)
    })
}

/// The page runs only its own code and connects only to its own server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The TypeScript client of the page. Its `baseUrl` is `/api`, where the procedures are nested.
pub fn client(procedures: &Router) -> TypeScript {
    procedures.typescript().base("/")
}

#[cfg(test)]
mod tests {
    use parlor::typescript::TypeScriptError;

    #[test]
    fn generated_client_is_current() -> Result<(), TypeScriptError> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/chat/web/src/api");
        super::client(&crate::server::procedures()).check(folder)
    }
}
