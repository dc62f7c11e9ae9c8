//! The configurations in `docs/deploy.md`, changed for a test.

use std::net::SocketAddr;
use std::path::Path;

use data_encoding::BASE64;
use parlor_tests::workspace;

use crate::proxy::Proxy;
use crate::tls::{CERTIFICATE, KEY};

/// What a test changes besides the addresses: pairs of a text in the configuration and its replacement.
pub(crate) type Changes<'a> = &'a [(&'a str, &'a str)];

/// Returns the configuration of `proxy` for a server at `server`, and writes its certificate to `folder`.
pub(crate) fn configuration(
    proxy: Proxy,
    listen: SocketAddr,
    server: SocketAddr,
    folder: &Path,
    changes: Changes<'_>,
) -> String {
    let [certificate, key] =
        [("CERTIFICATE", CERTIFICATE), ("PRIVATE KEY", KEY)].map(|(label, der)| pem(label, der));
    for (file, text) in [
        ("cert.pem", &certificate),
        ("key.pem", &key),
        ("chat.pem", &format!("{certificate}{key}")),
    ] {
        std::fs::write(folder.join(file), text).expect("written");
    }
    let folder = folder.to_str().expect("a path in Unicode");
    let bound = listen.to_string();
    let server = server.to_string();
    // The limits need more file descriptors than a test may have.
    let (listen, limit) = match proxy {
        Proxy::Nginx => {
            (("listen 443 ssl", format!("listen {bound} ssl")), ("worker_rlimit_nofile 65536;", ""))
        }
        Proxy::Haproxy | Proxy::HaproxyTcp => {
            (("bind :443 ssl", format!("bind {bound} ssl")), ("maxconn 30000", "maxconn 100"))
        }
    };
    let own = [
        (listen.0, listen.1.as_str()),
        limit,
        ("127.0.0.1:3000", &server),
        ("/etc/ssl/chat", folder),
    ];
    let blocks = blocks(proxy).into_iter().map(|block| block + "\n").collect::<Vec<_>>();
    let text = match (proxy, blocks.as_slice()) {
        (Proxy::Nginx, [top, http]) => {
            let temp: String = ["client_body", "fastcgi", "proxy", "scgi", "uwsgi"]
                .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
                .concat();
            format!(
                "daemon off;\nerror_log stderr notice;\npid {folder}/nginx.pid;\n{top}\
                 http {{\naccess_log off;\n{temp}{http}}}\n"
            )
        }
        (Proxy::Haproxy, [http, _]) => http.clone(),
        (Proxy::HaproxyTcp, [_, tcp]) => tcp.clone(),
        (_, blocks) => panic!("{} blocks for {proxy:?}", blocks.len()),
    };
    own.iter().chain(changes).fold(text, |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the configuration:\n{text}");
        text.replace(from, to)
    })
}

/// Returns the code blocks of `docs/deploy.md` that are for `proxy`.
fn blocks(proxy: Proxy) -> Vec<String> {
    let docs = std::fs::read_to_string(workspace().join("docs/deploy.md")).expect("the docs");
    let start = format!("```{}\n", proxy.program());
    let block = |rest: &str| rest.split_once("\n```").map(|(block, _)| block.to_owned());
    docs.split(start.as_str()).skip(1).map(|rest| block(rest).expect("a closed block")).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = BASE64.encode(der);
    for end in (64..text.len()).step_by(64).rev() {
        text.insert(end, '\n');
    }
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}
