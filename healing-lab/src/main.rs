//! `healing-lab serve`: the market on fixed ports, with the ways to break it printed.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use healing_lab::{Lab, LabSettings, Limits, Ports, Script, SourceName, key};

/// A market of simulated data sources that break on command.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the sources, the API in front of them and the control endpoint until Ctrl-C.
    Serve(ServeArgs),
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Address to listen on. The control endpoint has no password: keep it on loopback.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
    /// Seed of the prices.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Whether the sources keep their real limits.
    #[arg(long, value_enum, default_value_t = LimitsArg::Real)]
    limits: LimitsArg,
    /// When the exchange trades.
    #[arg(long, value_enum, default_value_t = HoursArg::Always)]
    hours: HoursArg,
    /// JSON file of faults; see the README.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// First of 21 ports: the sources, the API, control. Without it any free ports.
    #[arg(long, value_name = "N")]
    port_base: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LimitsArg {
    Real,
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HoursArg {
    /// Every day, all day.
    Always,
    /// As the New York exchange.
    Exchange,
}

/// Bad usage, as clap's own.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let Command::Serve(args) = Cli::parse().command;
    let settings = match settings(&args) {
        Ok(settings) => settings,
        Err(text) => return fail(USAGE, &text),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &format!("cannot start: {error}")),
    };
    match runtime.block_on(serve(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => fail(1, &text),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a command line tool tells its errors there"
)]
fn fail(code: u8, text: &str) -> ExitCode {
    eprintln!("healing-lab: {text}");
    ExitCode::from(code)
}

fn settings(args: &ServeArgs) -> Result<LabSettings, String> {
    let script = match &args.script {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read --script {}: {error}", path.display()))?;
            let script = Script::parse(&text)
                .map_err(|error| format!("--script {}: {error}", path.display()))?;
            Some(script)
        }
    };
    Ok(LabSettings {
        seed: args.seed,
        limits: match args.limits {
            LimitsArg::Real => Limits::Real,
            LimitsArg::Off => Limits::Off,
        },
        hours: match args.hours {
            HoursArg::Always => healing_lab::Hours::Always,
            HoursArg::Exchange => healing_lab::Hours::Exchange,
        },
        start_at: None,
        listen: args.listen,
        ports: args.port_base.map_or(Ports::Free, Ports::From),
        script,
    })
}

async fn serve(settings: LabSettings) -> Result<(), String> {
    let lab = Lab::start(settings)
        .await
        .map_err(|error| with_causes(&error))?;
    print_guide(&lab);
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    lab.stop().await;
    Ok(())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}

#[expect(clippy::print_stdout, reason = "the one place that talks to the user")]
fn print_guide(lab: &Lab) {
    let control = lab.control_address();
    println!("healing-lab is open. Ctrl-C closes it.\n");
    for source in SourceName::ALL {
        let key = key(source);
        let key = if key.is_empty() {
            String::new()
        } else {
            format!("   key {key}")
        };
        println!("  {:<14} {}{key}", source.slug(), lab.url(source));
    }
    println!("  {:<14} http://{control}\n", "control");
    println!(
        "Ask:    curl {}/api/yahoo/quote/AAPL",
        lab.url(SourceName::Api)
    );
    println!(
        "Break:  curl -d '{{\"source\":\"yahoo_finance\",\"fault\":\"down\",\"for\":\"10s\"}}' http://{control}/inject"
    );
    println!("Mend:   curl -X POST http://{control}/clear");
    println!("See:    curl http://{control}/log");
}
