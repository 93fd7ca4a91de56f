//! Puts itself in front of a data API and heals what it answers.

mod admin;
mod agents;
mod app;
mod banner;
mod check;
mod classify;
mod cli;
mod demo;
mod forward;
mod head_timer;
mod hop;
mod logging;
mod pool;
mod run;
mod serve;
mod upstream;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Some(Command::Demo(args)) => {
            logging::quiet_for_demo(&cli.talk).and_then(|()| demo::demo(&args))
        }
        Some(Command::Run(args)) => logging::start(&cli.talk).and_then(|()| run::run(args)),
        Some(Command::Classify(args)) => {
            logging::start(&cli.talk).and_then(|()| classify::classify(&args))
        }
        Some(Command::Check(args)) => logging::start(&cli.talk).and_then(|()| check::check(&args)),
        None => logging::start(&cli.talk).and_then(|()| run::run(cli.run)),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            logging::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
