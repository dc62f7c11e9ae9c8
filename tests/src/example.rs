//! Runs the examples as programs.

use std::path::PathBuf;
use std::process::Stdio;
#[cfg(target_os = "linux")]
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::within_timeout;

/// A running example.
pub struct Example {
    /// The URL of its procedure. Empty until the example has printed it.
    pub url: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    /// Starts the example `name` on a free port and waits until it prints its URL.
    pub async fn serve(name: &str) -> Self {
        Self::run(name, &["--addr", "127.0.0.1:0"]).await.with_url().await
    }

    /// Starts the program of a package of `examples/` on a free port and waits until it prints its URL.
    pub async fn serve_package(name: &str) -> Self {
        Self::run_package(name, &["127.0.0.1:0"]).await.with_url().await
    }

    /// Starts the example `name` on `port` (0 for any) and waits until it prints its address.
    pub async fn serve_at(name: &str, port: u16) -> Self {
        let mut command = Command::new(build_example(name).await);
        Self::spawn(command.env("PORT", port.to_string())).listening().await
    }

    /// Starts the example `name` with arguments on a free port. It may open `descriptors` file
    /// descriptors. Waits until it prints its address.
    pub async fn serve_with_descriptors(name: &str, args: &[&str], descriptors: u32) -> Self {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {descriptors} && exec \"$@\"");
        command.args(["-c", &script, "sh"]).arg(build_example(name).await).args(args);
        Self::spawn(command.env("PORT", "0")).listening().await
    }

    async fn listening(mut self) -> Self {
        let line = self.line_with("listening").await;
        let addr = line.rsplit(' ').next().unwrap_or_default();
        self.url = format!("ws://{addr}");
        self
    }

    /// Starts the example `name` with arguments.
    pub async fn run(name: &str, args: &[&str]) -> Self {
        Self::spawn(Command::new(build_example(name).await).args(args))
    }

    /// Starts the example `name`, built with `features`, with arguments.
    pub async fn run_with_features(name: &str, features: &str, args: &[&str]) -> Self {
        let selection = ["--package", "parlor-examples", "--features", features, "--example", name];
        Self::spawn(Command::new(build(&selection, &format!("examples/{name}")).await).args(args))
    }

    /// Starts the program of a package of `examples/` with arguments.
    pub async fn run_package(name: &str, args: &[&str]) -> Self {
        Self::spawn(Command::new(build(&["--package", name], name).await).args(args))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the example runs");
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { url: String::new(), child, stdin, lines }
    }

    async fn with_url(mut self) -> Self {
        let line = self.line_with("ws://").await;
        let start = line.find("ws://").expect("just found");
        line[start..].trim().clone_into(&mut self.url);
        self
    }

    /// Writes a line to its standard input.
    pub async fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("not closed");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("typed");
        stdin.flush().await.expect("typed");
    }

    /// Returns the next line that contains `what`.
    pub async fn line_with(&mut self, what: &str) -> String {
        loop {
            let line = within_timeout(what, self.lines.next_line()).await.expect("readable");
            let line =
                line.unwrap_or_else(|| panic!("the example ended before it printed `{what}`"));
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Waits until it exits, and counts the lines of its standard error that contain `what`.
    pub async fn errors_with(self, what: &str) -> usize {
        let ended = within_timeout("the end", self.child.wait_with_output()).await.expect("waited");
        String::from_utf8_lossy(&ended.stderr).lines().filter(|line| line.contains(what)).count()
    }

    /// Returns how many file descriptors it has open.
    #[cfg(target_os = "linux")]
    pub fn descriptors(&self) -> usize {
        let pid = self.child.id().expect("it runs");
        std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count()
    }

    /// Returns all that it prints. Panics when it does not exit with success.
    pub async fn output(mut self) -> String {
        let mut output = String::new();
        while let Some(line) =
            within_timeout("a line", self.lines.next_line()).await.expect("readable")
        {
            output.push_str(&line);
            output.push('\n');
        }
        assert!(
            within_timeout("the end", self.child.wait()).await.expect("waited").success(),
            "{output}"
        );
        output
    }

    /// Returns its standard error. Panics when it exits with success.
    pub async fn fails(self) -> String {
        let ended = within_timeout("the end", self.child.wait_with_output()).await.expect("waited");
        assert!(!ended.status.success(), "it did not fail");
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }

    /// Sends a signal, such as `TERM`.
    pub async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args(["-s", signal, &pid]).status().await;
        assert!(status.expect("kill runs").success());
    }

    /// Waits until it exits and returns whether it succeeded.
    pub async fn exits_with_success(mut self) -> bool {
        within_timeout("the end", self.child.wait()).await.expect("waited").success()
    }

    /// Closes its standard input, as Ctrl-D does.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }
}

/// Builds an example of `parlor-examples` and returns its path.
async fn build_example(name: &str) -> PathBuf {
    build(&["--package", "parlor-examples", "--example", name], &format!("examples/{name}")).await
}

/// Builds a program and returns its path, which is `program` in the folder of the profile. This is quick
/// after `cargo test --workspace`.
async fn build(selection: &[&str], program: &str) -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet"])
        .args(selection)
        .status()
        .await
        .expect("cargo runs");
    assert!(status.success(), "{program} does not build");
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("target/debug/deps/test");
    profile.join(program).with_extension(std::env::consts::EXE_EXTENSION)
}
