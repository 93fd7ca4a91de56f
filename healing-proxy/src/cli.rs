//! The command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use healing_core::{CopyPattern, FaultClass};
use http::Uri;
use uuid::Uuid;

/// Puts itself in front of a data API, notices when an answer is bad, and gives the best one it has instead.
#[derive(Debug, Parser)]
#[command(
    name = "healing-proxy",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the proxy (what happens without a command, too)
    Run(RunArgs),
    /// Watch an API being broken and healed: a market of simulated sources, an API, the proxy and a small load
    Demo(DemoArgs),
    /// Say what is wrong with recorded exchanges: lines of JSON, or a HAR file
    Classify(ClassifyArgs),
    /// Say whether a configuration or rules for sources can be used, or every mistake in them
    Check(CheckArgs),
    /// Say why a request was healed as it was, or what would be tried for a URL now; a running proxy is asked
    Explain(ExplainArgs),
    /// List, throw away or fetch in advance what a running proxy keeps
    Cache(CacheArgs),
    /// Begin a configuration, show the one that holds, or print its schema
    Config(ConfigArgs),
}

/// How to run the proxy.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    /// The configuration, in YAML; `-` is stdin. Flags win over the environment, and that over the file
    #[arg(short = 'c', long, value_name = "FILE", env = "HEALING_PROXY__CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The API behind the proxy, such as `http://127.0.0.1:5002`
    #[arg(long, value_name = "URL")]
    // Read by ourselves, as all that a configuration may say, too: the command line's own error would show a password
    // that stands in it.
    pub(crate) upstream: Option<String>,
    /// Where callers connect; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Where dashboard and feed are, or `off` [default: 127.0.0.1:8888]
    #[arg(long, value_name = "ADDRESS|off")]
    pub(crate) admin: Option<String>,
    /// Keep events, health and patterns in SQLite in this folder; without it, in memory
    #[arg(long, value_name = "DIR", env = "HEALING_PROXY__STATE")]
    pub(crate) state: Option<PathBuf>,
    /// Threads that serve requests; one a core by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
    /// The name of this hop in Via, Cache-Status and Proxy-Status; made from the address by default
    #[arg(long, value_name = "TOKEN")]
    pub(crate) name: Option<String>,
    /// How much the fields tell; `full` by default on loopback, `errors` elsewhere
    #[arg(long, value_name = "HOW MUCH")]
    pub(crate) expose: Option<ExposeArg>,
    /// Be an HTTP cache that heals with stale copies and no more: nothing is asked twice or left to rest, and all is kept
    /// that RFC 9111 lets a shared cache keep
    #[arg(long, conflicts_with = "config")]
    pub(crate) http_cache: bool,
}

/// What to do with a configuration.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Write a file to begin with
    Init {
        /// Its name; a file that is there is left as it is
        #[arg(value_name = "FILE", default_value = "healing_config.yaml")]
        file: PathBuf,
    },
    /// Print every value that holds: of the file, the environment and the defaults
    Show {
        /// The file, as of `run`
        #[arg(short = 'c', long, value_name = "FILE", env = "HEALING_PROXY__CONFIG")]
        config: Option<PathBuf>,
        /// Say behind each value where it is from
        #[arg(long)]
        origins: bool,
    },
    /// Print the JSON Schema of a configuration, for editors
    Schema,
}

/// How to run the demonstration.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// How long, such as 60s or 2m
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) time: Duration,
    /// Where callers connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where dashboard and feed are, or `off`
    #[arg(long, value_name = "ADDRESS|off", default_value = "127.0.0.1:8888")]
    pub(crate) admin: AdminAddress,
}

/// What to judge, and by which rules.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClassifyArgs {
    /// Lines of JSON, or a HAR file; stdin without it, or with `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    /// Add a source's rules, or use them in place of ours for the same source
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Leave out the rules of all sources that come with the program
    #[arg(long)]
    pub(crate) no_rules: bool,
}

/// For whom the verdicts are.
#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
pub(crate) struct FormArgs {
    /// One JSON object a line, what happens without a terminal, too
    #[arg(long)]
    pub(crate) json: bool,
    /// Aligned lines for people; where exchanges are labelled, a table of what is right
    #[arg(long)]
    pub(crate) explain: bool,
}

/// What to check.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// Files in YAML: configurations, or rules of sources
    #[arg(value_name = "FILE", required_unless_present = "config")]
    pub(crate) files: Vec<PathBuf>,
    /// A configuration; `-` is stdin
    #[arg(short = 'c', long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Fail for what is only noted, too
    #[arg(long)]
    pub(crate) strict: bool,
    /// For whom the report is
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ReportForm::Text)]
    pub(crate) format: ReportForm,
}

/// What to explain, and whom to ask.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExplainArgs {
    /// The id of a request that was healed or failed, from its answer's fields `Healing` or `X-Request-Id`
    #[arg(value_name = "ID", value_parser = request_id, required_unless_present = "url", conflicts_with = "url")]
    pub(crate) id: Option<Uuid>,
    /// A URL as callers ask the proxy for it, or its path: what would be tried if it failed now
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Target>,
    /// With which class of faults it would fail
    #[arg(
        long,
        value_name = "CLASS",
        default_value = "server_error",
        conflicts_with = "id"
    )]
    pub(crate) when: FaultClass,
    /// Say what it would gain at that URL's route if its strategies stood in this order, before the configuration says so;
    /// those that are not named come after these
    #[arg(
        long,
        value_name = "STRATEGIES",
        value_delimiter = ',',
        requires = "url",
        conflicts_with_all = ["id", "when"]
    )]
    pub(crate) order: Vec<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// Which running proxy is asked, and for whom its answer is.
#[derive(Args, Clone, Debug)]
pub(crate) struct AdminArgs {
    /// Where the proxy's admin port is
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8888")]
    pub(crate) admin: SocketAddr,
    /// The environment variable that holds the token of the admin port, where it wants one
    #[arg(long, value_name = "NAME")]
    pub(crate) token_env: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do with the copies of a running proxy.
#[derive(Args, Clone, Debug)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List what is kept, in the order of the paths; what could be a secret is not shown
    Ls {
        /// A path in which `*` stands for any text, such as `/api/quote/*`
        #[arg(value_name = "PATTERN")]
        pattern: Option<CopyPattern>,
        /// How many copies at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// How many of them are left out at the beginning
        #[arg(long, value_name = "N", default_value_t = 0)]
        offset: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Throw away what is kept of some URLs, for all callers
    Purge {
        /// A path in which `*` stands for any text, such as `/api/quote/*`; `*` is all
        #[arg(value_name = "PATTERN")]
        pattern: CopyPattern,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Ask the proxy once for each URL of a file, so that it is kept before anybody waits for it
    Warm {
        /// URLs as callers ask for them, or their paths, one a line; `-` is stdin, and lines that begin with # are left out
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How many are asked for at a time
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
        at_a_time: u8,
        /// The host that callers name, where a line is a path alone [default: the proxy's address]
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// A URL at the proxy.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) host: Option<String>,
    /// Path and query.
    pub(crate) target: String,
}

/// What to say and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct TalkArgs {
    /// The form of the log on stderr; auto is text on a terminal and JSON elsewhere
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Auto)]
    pub(crate) log_format: LogFormat,
    /// Say more: once for every request, twice for every step
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

/// The form of a report about files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ReportForm {
    /// With the lines that mistakes are in
    Text,
    /// One JSON object a line
    Json,
    /// Annotations of GitHub's workflows
    Github,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExposeArg {
    None,
    Errors,
    Full,
}

// === impl ExposeArg ===

impl ExposeArg {
    /// The word of a configuration.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Errors => "errors",
            Self::Full => "full",
        }
    }
}

/// Where the admin port is, if anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdminAddress(pub(crate) Option<SocketAddr>);

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        text.parse()
            .map(|address| Self(Some(address)))
            .map_err(|_| "give an address such as 127.0.0.1:8888, or off".to_owned())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Option<Uri> = text.parse().ok();
        let parts = uri
            .filter(|uri| uri.path().starts_with('/'))
            .map(Uri::into_parts);
        let read = parts.and_then(|parts| {
            // Credentials before the host are nobody's business here.
            let host = parts.authority.map(|authority| {
                let host = authority.as_str();
                host.rsplit_once('@')
                    .map_or(host, |(_, host)| host)
                    .to_owned()
            });
            let target = parts.path_and_query?.to_string();
            Some(Self { host, target })
        });
        read.ok_or_else(|| {
            "give a URL such as http://127.0.0.1:8080/api/quote/AAPL, or its path".to_owned()
        })
    }
}

fn request_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "an id is 32 hexadecimal digits in groups, such as 0193f2c4-7b1e-7c3a-9d52-3f0a6c1e8b77; to ask about a URL, give --url".to_owned()
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let way_out =
        || format!("{text:?} is no time: give seconds, minutes or hours, such as 90s, 2m or 1h");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| way_out())?;
    let unit = match text.strip_prefix(digits) {
        Some("s" | "") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        _ => return Err(way_out()),
    };
    let seconds = number
        .checked_mul(unit)
        .filter(|seconds| (1..=86_400).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{text:?} is out of bounds: between 1s and 24h"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_and_nonsense_is_explained() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for bad in ["", "s", "5x", "-1s", "0s", "99999999999999999999s", "999h"] {
            assert!(duration(bad).unwrap_err().contains(bad), "{bad}");
        }
    }

    #[test]
    fn an_upstream_may_come_from_elsewhere() {
        assert!(Cli::try_parse_from(["healing-proxy"]).is_ok());
        assert!(Cli::try_parse_from(["healing-proxy", "-c", "healing.yaml"]).is_ok());
        assert!(Cli::try_parse_from(["healing-proxy", "demo", "--for", "5s"]).is_ok());
        assert!(Cli::try_parse_from(["healing-proxy", "--upstream", "http://127.0.0.1:1"]).is_ok());
    }
}
