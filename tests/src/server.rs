//! The real `holdfast-registry`, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::Disk;
use crate::program::{Output, binary, finish};

/// A running server; it is killed when the test drops it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    said: Vec<String>,
    address: SocketAddr,
    data: PathBuf,
}

impl Server {
    /// Starts a server on a folder and waits until it serves.
    pub fn start(data: &Path) -> anyhow::Result<Self> {
        Self::start_on(data, SocketAddr::from(([127, 0, 0, 1], 0)), &[])
    }

    /// Starts a server on a folder, an address and with more arguments.
    pub fn start_on(data: &Path, address: SocketAddr, more: &[&str]) -> anyhow::Result<Self> {
        Self::start_on_disk(data, address, more, Disk::Ordinary)
    }

    /// The same, with its data on a disk of its own.
    pub fn start_on_disk(
        data: &Path,
        address: SocketAddr,
        more: &[&str],
        disk: Disk,
    ) -> anyhow::Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(data.join("server.log"))?;
        let mut command = disk.under(serve_command(data, address, more)?, data);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let stdout = child.stdout.take().context("its output is piped")?;
        match greeting(stdout) {
            Ok((address, said)) => Ok(Self { child, said, address, data: data.to_owned() }),
            Err(error) => {
                let ended = child.wait()?;
                let log = std::fs::read_to_string(data.join("server.log"))?;
                Err(error.context(format!("the server ended with {ended}:\n{log}")))
            }
        }
    }

    /// Runs a server that is expected to refuse.
    pub fn refuse(data: &Path, address: SocketAddr, more: &[&str]) -> anyhow::Result<Output> {
        Self::refuse_on_disk(data, address, more, Disk::Ordinary)
    }

    /// The same, with its data on a disk of its own.
    pub fn refuse_on_disk(
        data: &Path,
        address: SocketAddr,
        more: &[&str],
        disk: Disk,
    ) -> anyhow::Result<Output> {
        finish(&mut disk.under(serve_command(data, address, more)?, data))
    }

    /// Where it is served.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port's address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL with the one-time secret that it printed.
    pub fn login_url(&self) -> anyhow::Result<&str> {
        let line = self.said.iter().find_map(|line| line.strip_prefix("login: holdfast login "));
        line.context("a first start prints how to log in")
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What its log says.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.data.join("server.log"))?)
    }

    /// Asks it to end, and waits for that at most `within`.
    pub fn terminate(self, within: Duration) -> anyhow::Result<(ExitStatus, Duration)> {
        self.end_by(Signal::TERM, within)
    }

    /// The same by SIGINT, as a person at a terminal does.
    pub fn interrupt(self, within: Duration) -> anyhow::Result<(ExitStatus, Duration)> {
        self.end_by(Signal::INT, within)
    }

    /// Asks it to end, and does not wait.
    pub fn ask_to_end(&self) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    /// Ends it at once, as a crash does.
    pub fn kill(self) -> anyhow::Result<()> {
        self.end_by(Signal::KILL, Duration::from_secs(10)).map(|_| ())
    }

    fn end_by(mut self, signal: Signal, within: Duration) -> anyhow::Result<(ExitStatus, Duration)> {
        let begun = Instant::now();
        kill_process(Pid::from_child(&self.child), signal)?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, begun.elapsed()));
            }
            anyhow::ensure!(begun.elapsed() < within, "the server still runs {within:?} after {signal:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is what was wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn serve_command(data: &Path, address: SocketAddr, more: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(binary("holdfast-registry")?);
    command.arg("serve").arg("--data").arg(data.join("data")).arg("--listen").arg(address.to_string());
    command.args(more).env_clear().current_dir(data).stdin(Stdio::null());
    Ok(command)
}

/// Reads what the server says until it serves: its login line first, when there is one.
fn greeting(stdout: ChildStdout) -> anyhow::Result<(SocketAddr, Vec<String>)> {
    let mut said = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let url = line.strip_prefix("holdfast-registry: serving on ");
        if let Some((_, address)) = url.and_then(|url| url.split_once("://")) {
            return Ok((address.parse()?, said));
        }
        said.push(line);
    }
    anyhow::bail!("it never said where it serves")
}

/// A port that nothing listens on.
pub fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
