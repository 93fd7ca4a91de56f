//! Puts itself in front of a data API and heals what it answers.

mod admin;
mod admin_client;
mod agents;
mod app;
mod banner;
mod cache;
mod check;
mod classify;
mod cli;
mod config;
mod configuration;
mod demo;
mod explain;
mod forward;
mod head_timer;
mod hop;
mod logging;
mod places;
mod pool;
mod probes;
mod reload;
mod report;
mod run;
mod serve;
mod trust;
mod upstream;
mod warm;
mod written_file;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match &cli.command {
        Some(Command::Demo(args)) => {
            logging::quiet_for_demo(&cli.talk).and_then(|()| demo::demo(args))
        }
        // The log of a running proxy is a part of its configuration.
        Some(Command::Run(args)) => run::run(args, &cli.talk),
        Some(Command::Classify(args)) => {
            logging::plainly(&cli.talk).and_then(|()| classify::classify(args))
        }
        Some(Command::Check(args)) => logging::plainly(&cli.talk).and_then(|()| check::check(args)),
        Some(Command::Explain(args)) => {
            logging::plainly(&cli.talk).and_then(|()| explain::explain(args))
        }
        Some(Command::Cache(args)) => {
            logging::plainly(&cli.talk).and_then(|()| cache::cache(&args.command, &cli.talk))
        }
        Some(Command::Config(args)) => {
            logging::plainly(&cli.talk).and_then(|()| configuration::configuration(&args.command))
        }
        None => run::run(&cli.run, &cli.talk),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            logging::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
