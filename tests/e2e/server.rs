//! The program as a child process. It is killed when dropped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// What a process that ended left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program, without settings from around it.
pub(crate) fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trustfold"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TRUSTFOLD__") {
            command.env_remove(name);
        }
    }
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Ended {
    let output = program(dir).args(arguments).output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Tries until there is an answer; fails the test when there is none in half a minute.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(answer) = attempt() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to this: {what}");
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    dir: PathBuf,
    said: String,
    /// `ADDR` of the API.
    pub(crate) web: String,
    /// `ADDR` of syslog.
    pub(crate) syslog: String,
    /// The admin token.
    pub(crate) token: String,
    pub(crate) agent: ureq::Agent,
}

impl Server {
    /// Starts on `dir/data`, which may be there already.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[]).unwrap_or_else(|ended| panic!("the server did not start: {ended:?}"))
    }

    /// Starts with further arguments, which take the place of the usual ones.
    pub(crate) fn start_with(dir: &Path, arguments: &[&str]) -> Result<Self, Ended> {
        let errors = dir.join("stderr.log");
        let usual = [("--listen", "127.0.0.1:0"), ("--syslog", "127.0.0.1:0"), ("--data-dir", "data")];
        let usual = usual.into_iter().filter(|(name, _)| !arguments.contains(name)).flat_map(|(name, value)| [name, value]);
        let mut child = program(dir)
            .arg("run")
            .args(usual)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (mut web, mut syslog, mut said) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                let code = child.wait().unwrap().code().unwrap_or(-1);
                return Err(Ended { code, stdout: said, stderr: std::fs::read_to_string(errors).unwrap() });
            }
            said.push_str(&line);
            let line = line.trim();
            if let Some(address) = line.strip_prefix("web ") {
                web = address.trim().trim_start_matches("http://").to_owned();
            } else if let Some(address) = line.strip_prefix("syslog ") {
                syslog = address.trim().trim_start_matches("tcp://").to_owned();
            } else if line == "System Ready" {
                break;
            }
        }
        let token = std::fs::read_to_string(dir.join("data/admin-token")).unwrap().trim().to_owned();
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        let agent = ureq::Agent::new_with_config(config.build());
        Ok(Self { child, stdout, dir: dir.into(), said, web, syslog, token, agent })
    }

    /// What it said until it was ready.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// Ends it with SIGKILL, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it and starts it again on the same data.
    pub(crate) fn killed_and_restarted(self) -> Self {
        let dir = self.dir.clone();
        self.kill();
        Self::start(&dir)
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn terminate(mut self) -> Ended {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut stdout = std::mem::take(&mut self.said);
        self.stdout.read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ended { code, stdout, stderr: std::fs::read_to_string(self.dir.join("stderr.log")).unwrap() }
    }

    /// Where it keeps everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
