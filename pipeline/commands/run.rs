//! `trustfold run`.

use crate::commands::{Failure, demo, say};
use crate::logging;
use crate::run::{RunError, Server};
use crate::settings::Settings;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{ExitCode, Stdio};
use tokio::signal::unix::{SignalKind, signal};
use trustfold_web::backend::Check;

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        if error.is_environment() { Failure::settings(error) } else { Failure::system(error) }
    }
}

/// What a start prints once everything is as it was; the parent of `--background` waits for it.
const READY_LINE: &str = "System Ready";

/// Runs the server in the foreground until it is told to stop.
///
/// # Errors
/// What keeps it from starting, or ended it.
pub fn run(settings: &Settings, with_demo: bool) -> Result<ExitCode, Failure> {
    fs::create_dir_all(&settings.data_dir).map_err(|source| RunError::Data {
        action: "create",
        path: settings.data_dir.clone(),
        source,
    })?;
    logging::start(&settings.log, &settings.data_dir.join("logs")).map_err(Failure::settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::system)?;
    let digest = runtime.block_on(async {
        let mut stopped = Box::pin(stop_signal().map_err(Failure::system)?);
        say(format_args!("trustfold {}: opening {}", env!("CARGO_PKG_VERSION"), settings.data_dir.display()));
        let (server, started) = tokio::select! {
            opened = Server::start(settings) => opened?,
            // A long replay is given up at once: it has changed nothing.
            () = &mut stopped => {
                say("Stopped while opening; nothing was changed.");
                std::process::exit(0);
            }
        };
        if started.cut_bytes > 0 {
            say(format_args!("  journal   a torn tail of {} bytes was cut; none of it had been acknowledged", started.cut_bytes));
        }
        say(format_args!("  journal   {} frames with {} records replayed", started.frames, started.records));
        let health = server.health().await;
        let show =
            |name: &str, check: &Check| say(format_args!("  {name:<9} {}{}", if check.ok { "" } else { "- " }, check.detail));
        show("store", &health.store);
        show("pipeline", &health.pipeline);
        show("model", &health.model);
        let address = server.web_addr().map(|a| a.to_string()).unwrap_or_default();
        say(format_args!("  web       http://{address}"));
        if let Some(syslog) = server.syslog_addr() {
            say(format_args!("  syslog    tcp://{syslog}"));
        }
        let link = server.one_time_link()?;
        say(READY_LINE);
        say(format_args!("Open the dashboard within 10 minutes, once: {link}"));
        if with_demo {
            let token = settings.data_dir.join("admin-token");
            let to = format!("http://{address}");
            std::thread::Builder::new()
                .name("demo".into())
                .spawn(move || {
                    if let Err(failure) = demo::demo(&to, &token, demo::RATE) {
                        tracing::error!("the demo ended: {}", failure.message);
                    }
                })
                .map_err(Failure::system)?;
        }
        server.serve(stopped).await.map_err(Failure::from)
    })?;
    tracing::info!(digest, "stopped");
    say("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. Nothing acknowledged is lost by that.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            eprintln!("trustfold: stopped at once; the journal has all that was acknowledged");
            std::process::exit(130);
        });
    })
}

/// Starts a child that runs the server, shows what it says until it is ready, and returns.
///
/// # Errors
/// The child's own, with its exit code.
pub fn in_background(settings: &Settings) -> Result<ExitCode, Failure> {
    let logs = settings.data_dir.join("logs");
    let path = logs.join("console.log");
    let refused = |e| Failure::settings(format!("could not write \"{}\": {e}", path.display()));
    fs::create_dir_all(&logs).map_err(refused)?;
    let console = OpenOptions::new().create(true).append(true).open(&path).map_err(refused)?;
    let program = std::env::current_exe().map_err(Failure::system)?;
    let arguments = std::env::args_os().skip(1).filter(|a| a != "--background");
    let mut child = std::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(console)
        .process_group(0)
        .spawn()
        .map_err(Failure::system)?;
    let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
    let mut ready = false;
    // The one-time link follows the ready line; neither ever goes to a file.
    for line in lines.map_while(Result::ok) {
        say(&line);
        if ready {
            say(format_args!("Running in the background, process {}. Stop it with ./stop.sh", child.id()));
            return Ok(ExitCode::SUCCESS);
        }
        ready = line == READY_LINE;
    }
    let status = child.wait().map_err(Failure::system)?;
    let code = status.code().and_then(|c| u8::try_from(c).ok()).filter(|c| *c != 0).unwrap_or(4);
    let said = fs::read_to_string(&path).unwrap_or_default();
    let last = said.lines().rfind(|l| l.starts_with("trustfold: ")).map(|l| l["trustfold: ".len()..].to_owned());
    Err(Failure { message: last.unwrap_or_else(|| format!("it did not start; see {}", path.display())), code })
}
