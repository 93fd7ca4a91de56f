//! Rules of one source: which answers of it are faults, and how old its data may be, read from a file.

mod about;
mod age;
mod complete;
mod condition;
mod csv;
mod error;
mod freshness;
mod look;
mod parse;
mod pointer;
mod range;
mod wait;
mod walk;
mod words;

use std::str::FromStr;

use jiff::Timestamp;

pub use self::{
    error::RulesError,
    freshness::{Freshness, FreshnessError},
    range::{Range, RangeError},
};
use crate::{
    classify::{
        calendar::Calendars,
        exchange::Exchange,
        finding::Finding,
        freshness::Moment,
        rules::{
            age::Age,
            complete::Completeness,
            condition::{Condition, Scene},
            wait::WaitRule,
            walk::Plan,
        },
        sources,
    },
    vocabulary::fault::{Domain, FaultClass},
    written::{Mistakes, Node},
};

/// The rules of one source.
///
/// A file has the keys `source`, `aliases`, `hosts`, `rules`, `freshness` and `complete`. The first rule whose condition
/// holds decides; its class is a fault's or `ok`. All tests of a condition must hold:
///
/// - `status` (`429`, `4xx` or a list), `kind` (`json`, `ndjson`, `html`, `xml`, `csv`, `text`, `empty`), `method`, `host`, `path`
/// - `header: NAME` and `query: NAME`, alone (it is there) or with one of `equals`, `contains`, `starts`, `above`, `below`,
///   `absent`; `body` with a map of `equals`, `contains` and `starts`: the first 8 KiB. All of these ignore case
/// - `json: POINTER` (RFC 6901; `*` is any key or row), alone (it is there and not null) or with one of `equals` and
///   `differs` (by type and case), `contains`, `starts`, `empty`, `absent`, `is`, `above`, `below`, and beside it `only`.
///   With `*` a test holds when it holds for any match. None holds for a body that is no JSON, not even `absent`
/// - `any` and `all` with a list of conditions, `not` with one
///
/// ```
/// use healing_core::classify::{Recorded, Rules, Sources, judge};
///
/// let rules: Rules = r#"
/// source: acme
/// hosts: [api.acme.example, "*.acme.example"]
/// rules:
///   - name: daily_quota
///     class: quota_exceeded
///     doc: https://acme.example/limits - 500 calls a day; a 200 with a note when they are spent
///     when: { json: /note, contains: ["per day", daily] }
/// "#
/// .parse()?;
/// let refused = Recorded {
///     source: Some("acme".to_owned()),
///     status: Some(200),
///     body: r#"{"note": "500 calls per Day"}"#.into(),
///     ..Recorded::default()
/// };
/// let verdict = judge(&refused, &Sources::none().with(rules));
/// assert_eq!(verdict.rule, "acme/daily_quota");
/// # Ok::<(), healing_core::classify::RulesError>(())
/// ```
#[derive(Debug)]
pub struct Rules {
    source: Box<str>,
    aliases: Vec<Box<str>>,
    hosts: Vec<Host>,
    rules: Vec<Rule>,
    ages: Vec<Age>,
    complete: Vec<Completeness>,
    plan: Plan,
}

/// Whose answer it is, as far as that is known: how much the rules of a source may say of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Whose {
    /// The source's own: every rule counts.
    Home,
    /// Perhaps another's that was made of it, and something is wrong: a rule counts that saw something in the body that it
    /// knows.
    Doubtful,
    /// Perhaps another's, and nothing looks wrong.
    Sound,
}

/// An exchange before the rules of a source. Its body is walked at most once, whatever is asked.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    rules: &'a Rules,
    scene: Scene<'a>,
}

/// The hosts that a source answers at, in lower case.
#[derive(Debug)]
enum Host {
    Is(Box<str>),
    /// Any host whose name ends with a dot and this.
    Below(Box<str>),
}

/// What the rules of a source say of an answer that somebody waits for.
#[derive(Debug)]
pub(crate) enum Ruling {
    /// None of them holds.
    Silent,
    /// It is good, whatever it looks like.
    Good,
    Bad(Finding),
}

#[derive(Debug)]
struct Rule {
    /// With the source before it: `alpha_vantage/daily_quota`.
    name: Box<str>,
    /// `None`: a good answer.
    class: Option<FaultClass>,
    when: Condition,
    retryable: Option<bool>,
    domain: Option<Domain>,
    wait: Option<WaitRule>,
    /// Whether it counts whoever answers.
    anywhere: bool,
}

// === impl Rules ===

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    ///
    /// Says everything that is wrong with it: what is no YAML, unknown keys, classes and units, names given twice, and
    /// pointers that are none.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        Self::parse_with(text, sources::calendars())
    }

    /// The same, with calendars of one's own, by which [`Sources::with_calendars`](crate::classify::Sources::with_calendars)
    /// then tells age.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse) does.
    pub fn parse_with(text: &str, calendars: &Calendars) -> Result<Self, RulesError> {
        parse::parse(text, calendars)
    }

    /// Reads the rules of a source that stand in a larger file: a map of the keys `rules`, `aliases`, `hosts`, `freshness`
    /// and `complete`. A rule needs no `doc` there. `None` where a mistake was said.
    ///
    /// ```
    /// use healing_core::{classify::{Calendars, Rules}, written::{Mistakes, read}};
    /// let mut mistakes = Mistakes::default();
    /// let text = "rules: [{ name: spent, class: quota_exceeded, when: { json: /spent } }]";
    /// let node = read(text, &mut mistakes).unwrap();
    /// let rules = Rules::of("acme", &node, &Calendars::built_in(), &mut mistakes).unwrap();
    /// assert_eq!((rules.source(), rules.rule_count()), ("acme", 1));
    /// ```
    #[must_use]
    pub fn of(
        source: &str,
        node: &Node,
        calendars: &Calendars,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        parse::Draft::new(calendars).rules_of(Some(source), node, mistakes)
    }

    /// The source's slug.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many rules there are.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Whether that is the source's slug or one of its other names.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        *self.source == *name || self.aliases.iter().any(|alias| **alias == *name)
    }

    /// Whether an answer of that host is the source's own. A source that names no host answers at any.
    pub(crate) fn is_home(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.answers_at(host)
    }

    /// The same for a source that answers at these hosts, too. One that named none is at home only there from then on.
    ///
    /// ```
    /// use healing_core::classify::Rules;
    /// let rules: Rules = "source: acme\nrules: []\n".parse()?;
    /// assert_eq!(rules.at_hosts(["api.acme.example"]).source(), "acme");
    /// # Ok::<(), healing_core::classify::RulesError>(())
    /// ```
    #[must_use]
    pub fn at_hosts(mut self, hosts: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let hosts = hosts.into_iter();
        let hosts = hosts.map(|host| Host::Is(host.as_ref().into()));
        self.hosts.extend(hosts);
        self
    }

    /// Whether the source answers at that host.
    pub(crate) fn answers_at(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.is(host))
    }

    /// Every name and host that it claims.
    #[cfg(test)]
    pub(crate) fn every_name(&self) -> impl Iterator<Item = String> {
        let hosts = self.hosts.iter().map(|host| match host {
            Host::Is(name) => name.to_string(),
            Host::Below(name) => format!("*.{name}"),
        });
        let names = self.aliases.iter().chain([&self.source]);
        names.map(ToString::to_string).chain(hosts)
    }

    /// An exchange before these rules.
    pub(crate) const fn on<'a>(&'a self, exchange: Exchange<'a>) -> Case<'a> {
        Case {
            rules: self,
            scene: Scene::new(exchange, &self.plan),
        }
    }

    /// What is wrong where that is the newest by that item of `freshness`.
    pub(crate) fn stale(
        &self,
        (item, newest): (usize, Moment),
        now: Timestamp,
        calendars: &Calendars,
    ) -> Option<Finding> {
        let found = self.ages.get(item)?.stale(&newest, now, calendars)?;
        let rule = format!("{}/freshness", self.source).into();
        Some(Finding { rule, ..found })
    }

    /// Whether it says how old anything may be.
    pub(crate) const fn tells_age(&self) -> bool {
        !self.ages.is_empty()
    }

    /// Whether it says which parts of an answer were asked for.
    pub(crate) const fn counts_parts(&self) -> bool {
        !self.complete.is_empty()
    }

    /// Whether a rule of it counts whoever answers.
    pub(crate) fn counts_anywhere(&self) -> bool {
        self.rules.iter().any(|rule| rule.anywhere)
    }

    fn partial(&self, missing: &Completeness) -> Finding {
        Finding {
            class: None,
            rule: format!("{}/complete", self.source).into(),
            evidence: format!(
                "{} has fewer than {} asks for",
                missing.pointer, missing.query
            )
            .into(),
            ..Finding::default()
        }
    }
}

// === impl Case ===

impl Case<'_> {
    /// What the first rule that holds says of an answer that somebody waits for. Away from the source's own hosts somebody may
    /// have made another answer of it.
    pub(crate) fn ruling(&self, whose: Whose) -> Ruling {
        let knows = |rule: &&Rule| {
            let counts = rule.anywhere || whose == Whose::Home;
            (counts || whose == Whose::Doubtful)
                && rule.when.holds(&self.scene)
                && (counts || rule.when.saw_the_body(&self.scene))
        };
        match self.rules.rules.iter().find(knows) {
            None => Ruling::Silent,
            Some(rule) if rule.class.is_none() => Ruling::Good,
            Some(rule) => Ruling::Bad(rule.finding(&self.scene)),
        }
    }

    /// Whether it lacks a part of what was asked.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.missing().is_some()
    }

    /// The newest moment that the answer names, and which item of `freshness` found it.
    pub(crate) fn newest(&self) -> Option<(usize, Moment)> {
        let mut ages = self.rules.ages.iter().enumerate();
        ages.find_map(|(n, age)| Some((n, age.newest(&self.scene)?)))
    }

    /// What the first rule that holds says.
    pub(crate) fn judge(&self) -> Option<Finding> {
        let Self { rules, scene } = self;
        let rule = rules.rules.iter().find(|rule| rule.when.holds(scene));
        let mut finding = rule.map(|rule| rule.finding(scene));
        let is_good = finding
            .as_ref()
            .is_none_or(|finding| finding.class.is_none());
        if let Some(missing) = self.missing().filter(|_| is_good) {
            let whole = finding.get_or_insert_with(|| rules.partial(missing));
            whole.suspect = Some("incomplete".into());
        }
        finding
    }

    /// The first item of `complete` of whose parts some came, and not all.
    fn missing(&self) -> Option<&Completeness> {
        let good = |status| (200..300).contains(&status);
        let is_good = self.scene.exchange.status.is_some_and(good);
        let mut items = self.rules.complete.iter();
        items.find(|item| is_good && item.is_partial(&self.scene))
    }

    /// Whether the content of a good answer is too old at `now`. The first item of `freshness` that finds its field decides.
    pub(crate) fn stale(&self, now: Timestamp, calendars: &Calendars) -> Option<Finding> {
        self.rules.stale(self.newest()?, now, calendars)
    }
}

impl FromStr for Rules {
    type Err = RulesError;

    fn from_str(text: &str) -> Result<Self, RulesError> {
        Self::parse(text)
    }
}

// === impl Host ===

impl Host {
    fn is(&self, host: &str) -> bool {
        match self {
            Self::Is(name) => host.eq_ignore_ascii_case(name),
            Self::Below(name) => {
                let start = host.len().checked_sub(name.len() + 1);
                let (dot, end) = start
                    .and_then(|at| host.split_at_checked(at))
                    .map_or(("", ""), |(_, end)| {
                        end.split_at_checked(1).unwrap_or_default()
                    });
                dot == "." && end.eq_ignore_ascii_case(name)
            }
        }
    }
}

// === impl Rule ===

impl Rule {
    fn finding(&self, scene: &Scene<'_>) -> Finding {
        Finding {
            class: self.class,
            rule: self.name.to_string().into(),
            evidence: self.when.evidence(scene).into(),
            wait: self.wait.as_ref().and_then(|wait| wait.of(scene)),
            retryable: self.retryable,
            domain: self.domain,
            suspect: None,
        }
    }
}

#[cfg(test)]
mod tests;
