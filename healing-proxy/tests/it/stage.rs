//! The proxy as a process of its own, and callers on bare sockets.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    upstream::Upstream,
    wire::{End, Head, Length, Wire},
};

/// No wait in a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy at work. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    running: Running,
}

/// A process of the program and what it says.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    said: TempDir,
}

/// A connection to the proxy.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) wire: Wire,
}

/// What a caller was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    pub(crate) took: Duration,
}

// === impl Running ===

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// The same, with variables in its environment.
    pub(crate) fn start_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_healing-proxy"));
        let variables = variables.iter().copied();
        Self::run(command.args(args).env_clear().envs(variables))
    }

    /// Another program at work.
    pub(crate) fn run(command: &mut Command) -> Self {
        let said = TempDir::new().expect("a folder");
        let file = |name| File::create(said.path().join(name)).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the program");
        Self { child, said }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stdout so far.
    pub(crate) fn out(&self) -> String {
        self.read("out")
    }

    /// What it has written to stderr so far.
    pub(crate) fn err(&self) -> String {
        self.read("err")
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self, within: Duration) -> ExitStatus {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            let late = Instant::now() >= until;
            assert!(
                !late,
                "it still runs after {within:?}; stderr:\n{}",
                self.err()
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.said.path().join(name)).expect("its file");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

// === impl Proxy ===

impl Proxy {
    /// A proxy before that API, without any configuration.
    pub(crate) async fn before(upstream: &Upstream) -> Self {
        Self::with(upstream.address, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn with(upstream: SocketAddr, more: &[&str]) -> Self {
        let upstream = format!("http://{upstream}");
        let any = "127.0.0.1:0";
        let mut args = vec!["--upstream", &upstream, "--listen", any, "--admin", any];
        args.extend(more);
        Self::of(Running::start(&args)).await
    }

    /// The proxy of a process, as soon as it says where it is.
    pub(crate) async fn of(mut running: Running) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            let out = running.out();
            if out.contains("\n  next ") {
                let (address, admin) = (place(&out, "  proxy "), place(&out, "  dashboard "));
                return Self {
                    address,
                    admin,
                    running,
                };
            }
            let ended = running.child.try_wait().expect("a child");
            let (late, err) = (Instant::now() >= until, running.err());
            assert!(
                ended.is_none() && !late,
                "{ended:?}; stdout:\n{out}\nstderr:\n{err}"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) const fn process(&mut self) -> &mut Running {
        &mut self.running
    }

    pub(crate) fn out(&self) -> String {
        self.running.out()
    }

    pub(crate) fn err(&self) -> String {
        self.running.err()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    pub(crate) async fn caller(&self) -> Caller {
        Caller::of(self.address).await
    }

    /// The answer to a GET on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.caller().await.get(path).await
    }

    /// The answer to a request of those bytes, on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut caller = self.caller().await;
        let begun = Instant::now();
        caller.send(request).await;
        let method = request.split(' ').next().expect("a method");
        caller.answer(method, begun).await
    }

    /// The most memory that it ever held, in MiB (`VmHWM` of `proc(5)`).
    pub(crate) fn peak_memory(&self) -> usize {
        let file = PathBuf::from(format!("/proc/{}/status", self.running.id()));
        let status = fs::read_to_string(file).expect("proc(5)");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: usize = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .and_then(|kib| kib.parse().ok())
            .expect("its peak");
        kib / 1024
    }
}

fn place(banner: &str, line: &str) -> SocketAddr {
    let line = banner
        .lines()
        .find_map(|text| text.strip_prefix(line))
        .expect("a line of the banner");
    let url = line.split_whitespace().next().expect("its address");
    let address = url.strip_prefix("http://").expect("a URL");
    let address = address.split('/').next().unwrap_or(address);
    address.parse().expect("an address")
}

// === impl Caller ===

impl Caller {
    pub(crate) async fn of(address: SocketAddr) -> Self {
        let stream = patient(TcpStream::connect(address))
            .await
            .expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self {
            wire: Wire::new(stream),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        patient(self.wire.send(bytes.as_ref()))
            .await
            .expect("it is open");
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let begun = Instant::now();
        self.send(get(path)).await;
        self.answer("GET", begun).await
    }

    /// Reads the answer to a request of that method, which began then.
    pub(crate) async fn answer(&mut self, method: &str, begun: Instant) -> Answer {
        let head = self.head().await;
        let status = status(&head);
        let length = match (method, status) {
            ("HEAD", _) | (_, 101 | 204 | 304) => Length::Known(0),
            _ => head.length(Length::UntilClosed),
        };
        let (body, end) = patient(self.wire.body(length)).await;
        Answer {
            status,
            head,
            body,
            end,
            took: begun.elapsed(),
        }
    }

    pub(crate) async fn head(&mut self) -> Head {
        let head = patient(self.wire.head()).await.expect("it is open");
        head.expect("an answer before the connection ends")
    }

    /// Reads until that many bytes are there, and takes them.
    pub(crate) async fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        let (body, end) = patient(self.wire.body(Length::Known(bytes))).await;
        assert_eq!(end, End::Whole, "after {} bytes", body.len());
        body
    }

    /// Whether the other side closes without another byte.
    pub(crate) async fn is_closed(&mut self, within: Duration) -> bool {
        match timeout(within, self.wire.more()).await {
            Ok(Ok(read)) => read == 0 && self.wire.unread.is_empty(),
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn get(&self, name: &str) -> String {
        self.head.get(name)
    }
}

/// A GET as bytes.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\n\r\n")
}

pub(crate) fn status(head: &Head) -> u16 {
    let code = head
        .first
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok());
    code.expect("a status line")
}

/// Waits, but not for ever.
pub(crate) async fn patient<F: Future>(work: F) -> F::Output {
    timeout(PATIENCE, work)
        .await
        .expect("nothing came in a long time")
}

/// All bytes of all files in a folder and below it, by path.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            found.push((path, bytes));
        }
    }
    found
}
