//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use figment::Figment;
use figment::providers::Serialized;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use trustfold::commands::{self, Failure};
use trustfold::settings::Settings;

/// Security events in, trust out: learns what is normal, scores what comes, and takes a correction back to all that
/// followed from it.
#[derive(Parser)]
#[command(name = "trustfold", version, about, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  done, and something was found that needs a look (doctor)
  2  the input cannot be used
  3  settings or surroundings: a port in use, a directory that cannot be written, a wrong option
  4  the system failed while running

Settings: defaults, then config/trustfold.toml or --config, then TRUSTFOLD__SECTION__KEY, then flags.
config/REFERENCE.md lists them all.";

#[derive(Subcommand)]
enum Command {
    /// Run the server: sources, journal, dataflow, stores, API and dashboard
    Run(RunArgs),
    /// Check the settings and print them as they would be used
    Validate(ShownArgs),
    /// Score a file of events: learn from its first lines, score all of it
    Score(ScoreArgs),
    /// Make reproducible events, normal life with labelled anomalies, into a file or a running server
    Generate(GenerateArgs),
    /// Show a running server what it does: train it on generated life, take it live, go on for ever
    Demo(DemoArgs),
    /// Replay a stopped server's journal and print a hash over its decisions, anomalies and ledger
    Digest(ShownArgs),
    /// Look at the installation: settings, data directory, journal, store, models
    Doctor(ShownArgs),
    /// Print the reference of all settings, as Markdown
    ConfigReference,
}

#[derive(Args, Clone)]
struct ConfigArgs {
    /// Settings file; without it config/trustfold.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of everything that is kept
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Any setting, by its path: --set decision.contamination=0.01
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Args, Clone)]
struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Dataflow workers; 0 means one less than the cores
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Address of the API and the dashboard
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Address of syslog over TCP
    #[arg(long, value_name = "ADDR")]
    syslog: Option<SocketAddr>,
    /// Return once ready; the server goes on, with its output in data/logs/console.log
    #[arg(long)]
    background: bool,
    /// Feed it generated life: training first, then live
    #[arg(long)]
    demo: bool,
}

#[derive(Args)]
struct ScoreArgs {
    /// NDJSON, an event a line
    events: PathBuf,
    /// Lines to learn from, the first of the file
    #[arg(long, value_name = "N")]
    train_first: u64,
    /// Where alerts go, as NDJSON
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Where scores go: a little-endian f32 a line, higher is more anomalous, NaN where a line is no event
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// Seed of hashes, sample and trees
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Dataflow workers; the answer is the same for any number
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Args)]
struct GenerateArgs {
    /// Equal seeds give equal bytes
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How many events; with --to and without this, it goes on for ever
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// People and services
    #[arg(long, default_value_t = 10_000)]
    entities: u32,
    /// Hours of event time that a file covers
    #[arg(long, default_value_t = 480)]
    span_hours: u32,
    /// Share of anomalous events, 0 to 0.5
    #[arg(long, default_value_t = 0.005)]
    anomaly: f64,
    /// Where events go; standard output without it
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    out: Option<PathBuf>,
    /// Where labels go, as CSV
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    labels: Option<PathBuf>,
    /// A running server, for instance http://127.0.0.1:8000; events then carry the time of now
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Events a second, with --to
    #[arg(long, default_value_t = 200, requires = "to")]
    rate: u32,
}

#[derive(Args)]
struct DemoArgs {
    /// The running server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    to: String,
    /// Where its admin token lies
    #[arg(long, value_name = "FILE", default_value = "data/admin-token")]
    token_file: PathBuf,
    /// Events a second, once live
    #[arg(long, default_value_t = 200)]
    rate: u32,
}

/// Arguments of the commands that look at an installation and print what they see.
#[derive(Args)]
struct ShownArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    format: OutputFormat,
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

impl ConfigArgs {
    fn flags(&self) -> Result<Figment, Failure> {
        let mut flags = Figment::new();
        if let Some(dir) = &self.data_dir {
            flags = flags.merge(Serialized::default("data_dir", dir));
        }
        for pair in &self.set {
            let (key, value) = pair.split_once('=').ok_or_else(|| Failure::settings(format!("--set {pair}: write KEY=VALUE")))?;
            let value: figment::value::Value = value.parse().map_err(|e| Failure::settings(format!("--set {pair}: {e}")))?;
            flags = flags.merge(Serialized::default(key, value));
        }
        Ok(flags)
    }

    fn load(&self) -> Result<Settings, Failure> {
        Settings::load(self.config.as_deref(), &self.flags()?).map_err(Failure::settings)
    }
}

impl RunArgs {
    fn load(&self) -> Result<Settings, Failure> {
        let mut flags = self.config.flags()?;
        if let Some(workers) = self.workers {
            flags = flags.merge(Serialized::default("workers", workers));
        }
        if let Some(listen) = self.listen {
            flags = flags.merge(Serialized::default("web.listen", listen));
        }
        if let Some(syslog) = self.syslog {
            flags = flags.merge(Serialized::default("sources.syslog_tcp.listen", syslog));
        }
        Settings::load(self.config.config.as_deref(), &flags).map_err(Failure::settings)
    }
}

fn main() -> ExitCode {
    commands::die_with_the_first_panic();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no failure.
            let code = if error.use_stderr() { 3 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("trustfold: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) if args.background => commands::run::in_background(&args.load()?),
        Command::Run(args) => commands::run::run(&args.load()?, args.demo),
        Command::Validate(args) => commands::validate::validate(&args.config.load()?, args.format == OutputFormat::Json),
        Command::Score(args) => {
            let options = commands::score::ScoreOptions {
                settings: args.config.load()?.decision,
                events: args.events,
                train_first: args.train_first,
                alerts: args.alerts,
                scores: args.scores,
                seed: args.seed,
                workers: args.workers.clamp(1, 64),
            };
            commands::score::print(&options, args.format == OutputFormat::Json)
        }
        Command::Generate(args) => commands::generate::generate(&commands::generate::GenerateOptions {
            seed: args.seed,
            events: args.events,
            entities: args.entities,
            span_hours: args.span_hours,
            anomaly_share: args.anomaly,
            out: args.out,
            labels: args.labels,
            to: args.to,
            rate: args.rate,
        }),
        Command::Demo(args) => commands::demo::demo(&args.to, &args.token_file, args.rate),
        Command::Digest(args) => commands::digest::digest(&args.config.load()?, args.format == OutputFormat::Json),
        Command::Doctor(args) => commands::doctor::doctor(&args.config.load()?, args.format == OutputFormat::Json),
        Command::ConfigReference => commands::reference::print(),
    }
}
