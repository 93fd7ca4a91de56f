//! Lists, throws away and fetches in advance what a running proxy keeps: `healing-proxy cache`.

use std::{
    io::{Write, stdout},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow};
use healing_core::CopyPattern;
use indicatif::{ProgressBar, ProgressStyle};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{
    admin_client::{AdminPort, number, runtime, text},
    cli::{AdminArgs, CacheCommand, TalkArgs},
    warm::{Asking, List, Sum},
    written_file,
};

/// Lines that failed and are named; the others are counted.
const NAMED: usize = 20;

/// Does what is said.
///
/// # Errors
/// When no proxy answers, a file cannot be read, or stdout is closed.
pub(crate) fn cache(command: &CacheCommand, talk: &TalkArgs) -> Result<ExitCode> {
    let runtime = runtime()?;
    match command {
        CacheCommand::Ls {
            pattern,
            limit,
            offset,
            admin,
        } => runtime.block_on(list((pattern.as_ref(), *limit, *offset), admin)),
        CacheCommand::Purge { pattern, admin } => runtime.block_on(purge(pattern, admin)),
        CacheCommand::Warm {
            file,
            at_a_time,
            host,
            admin,
        } => {
            let how = How {
                at_a_time: usize::from(*at_a_time),
                host: host.clone(),
                is_quiet: talk.quiet || admin.json,
            };
            runtime.block_on(warm(file, how, admin))
        }
    }
}

/// How it is asked, and whether people look on.
struct How {
    at_a_time: usize,
    host: Option<String>,
    is_quiet: bool,
}

async fn list(
    (pattern, limit, offset): (Option<&CopyPattern>, u16, u32),
    args: &AdminArgs,
) -> Result<ExitCode> {
    let mut page = format!("/api/v1/cache?limit={limit}&offset={offset}");
    if let Some(pattern) = pattern {
        page.push_str(&format!("&pattern={}", encoded(pattern)));
    }
    let told = AdminPort::of(args)?.reads(&page).await?;
    say(args, &told, || table(&told))
}

async fn purge(pattern: &CopyPattern, args: &AdminArgs) -> Result<ExitCode> {
    let page = format!("/api/v1/cache/purge?pattern={}", encoded(pattern));
    let told = AdminPort::of(args)?.orders(&page).await?;
    say(args, &told, || {
        let (copies, urls) = (number(&told, "copies"), number(&told, "urls"));
        format!("{copies} copies of {urls} URLs are gone\n")
    })
}

async fn warm(file: &Path, how: How, args: &AdminArgs) -> Result<ExitCode> {
    let written =
        written_file::read(file).map_err(|error| anyhow!("{}: {error}", file.display()))?;
    let list = List::of(&written);
    let told = AdminPort::of(args)?.reads("/api/v1/status").await?;
    let asking = Asking {
        proxy: proxy(&told, args.admin)?,
        host: how.host,
        at_a_time: how.at_a_time,
    };
    let bar = bar(list.wanted.len(), how.is_quiet);
    let sum = asking.ask_all(&list.wanted, || bar.inc(1)).await;
    bar.finish_and_clear();
    let is_fine = sum.failed.is_empty() && list.bad.is_empty();
    let told = json!({
        "asked": list.wanted.len(),
        "kept": sum.kept,
        "not_kept": sum.not_kept,
        "failed": lines(&sum.failed),
        "bad_lines": lines(&list.bad),
    });
    say(args, &told, || summary(&list, &sum))?;
    Ok(if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where the proxy that has this admin port is asked.
fn proxy(status: &Value, admin: SocketAddr) -> Result<SocketAddr> {
    let told = text(status, "proxy").parse::<SocketAddr>();
    let mut proxy = told.map_err(|_| {
        anyhow!("the proxy behind {admin} does not say where it is asked; is it of this version?")
    })?;
    if proxy.ip().is_unspecified() {
        proxy.set_ip(admin.ip());
    }
    Ok(proxy)
}

/// A bar on stderr; nothing where that is no terminal.
fn bar(length: usize, is_quiet: bool) -> ProgressBar {
    if is_quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{bar:30} {pos} of {len}  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn encoded(pattern: &CopyPattern) -> String {
    utf8_percent_encode(&pattern.to_string(), NON_ALPHANUMERIC).to_string()
}

fn say(args: &AdminArgs, told: &Value, for_people: impl FnOnce() -> String) -> Result<ExitCode> {
    let said = if args.json {
        format!("{}\n", serde_json::to_string_pretty(told)?)
    } else {
        for_people()
    };
    stdout()
        .write_all(said.as_bytes())
        .context("stdout is closed")?;
    Ok(ExitCode::SUCCESS)
}

/// What is kept, a line a copy.
fn table(told: &Value) -> String {
    let rows = told.get("copies").and_then(Value::as_array);
    let rows = rows.map(Vec::as_slice).unwrap_or_default();
    let mut said = format!(
        "{:>8} {:>8} {:>8} {:>10}  {:<6} {:<16} {}\n",
        "age s", "ttl s", "heals s", "bytes", "status", "source", "path"
    );
    for row in rows {
        let own = row.get("for_one_caller").and_then(Value::as_bool);
        said.push_str(&format!(
            "{:>8} {:>8} {:>8} {:>10}  {:<6} {:<16} {}{}\n",
            number(row, "age_s"),
            number(row, "ttl_s"),
            number(row, "heals_for_s"),
            number(row, "bytes"),
            number(row, "status"),
            text(row, "source"),
            text(row, "path"),
            if own == Some(true) {
                "  (one caller's own)"
            } else {
                ""
            },
        ));
    }
    let (total, bytes) = (number(told, "total"), number(told, "bytes"));
    said.push_str(&format!(
        "{} of {total} copies, {bytes} bytes in all\n",
        rows.len()
    ));
    said
}

fn summary(list: &List, sum: &Sum) -> String {
    let mut said = format!(
        "{} asked: {} kept, {} not to be kept, {} failed; {} bad lines\n",
        list.wanted.len(),
        sum.kept,
        sum.not_kept,
        sum.failed.len(),
        list.bad.len()
    );
    for (line, why) in list.bad.iter().chain(&sum.failed).take(NAMED) {
        said.push_str(&format!("line {line}: {why}\n"));
    }
    let more = (list.bad.len() + sum.failed.len()).saturating_sub(NAMED);
    if more > 0 {
        said.push_str(&format!("and {more} more\n"));
    }
    said
}

fn lines(all: &[(usize, String)]) -> Vec<Value> {
    let lines = all.iter();
    lines
        .map(|(line, why)| json!({ "line": line, "why": why }))
        .collect()
}
