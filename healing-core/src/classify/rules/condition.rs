//! Conditions: tests of an exchange, put together with all, any and not.

use std::{borrow::Cow, cell::OnceCell};

use http::HeaderName;

use crate::classify::{
    exchange::{Exchange, Kind},
    rules::{about::About, look::Found, walk::Plan, words::Words},
};

/// What must hold.
#[derive(Debug)]
pub(super) enum Condition {
    /// One test, and what a person would call it.
    Test(Test, About),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// One test of an exchange.
#[derive(Debug)]
pub(super) enum Test {
    /// The status lies in one of these ranges, ends included.
    Status(Vec<(u16, u16)>),
    Kind(Vec<Kind>),
    Method(Vec<Box<str>>),
    Host(Words),
    /// The path holds one of these, in this case.
    Path(Vec<Box<str>>),
    /// The field is there and like that; `None`: it is not there.
    Header(HeaderName, Option<Words>),
    /// The same for a parameter of the query.
    Query(Box<str>, Option<Words>),
    Body(Words),
    /// A look at the JSON came out that way. Never holds for what is no JSON.
    Json {
        look: usize,
        is: bool,
    },
}

/// An exchange while rules are tried on it. The body is walked when the first test asks about it.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) exchange: Exchange<'a>,
    plan: &'a Plan,
    kind: OnceCell<Kind>,
    found: OnceCell<Option<Found>>,
}

// === impl Scene ===

impl<'a> Scene<'a> {
    pub(super) const fn new(exchange: Exchange<'a>, plan: &'a Plan) -> Self {
        Self {
            exchange,
            plan,
            kind: OnceCell::new(),
            found: OnceCell::new(),
        }
    }

    fn kind(&self) -> Kind {
        *self.kind.get_or_init(|| self.exchange.kind())
    }

    /// What the walk over the body found; `None` where the body is no JSON.
    pub(super) fn found(&self) -> Option<&Found> {
        let found = self.found.get_or_init(|| match self.kind() {
            Kind::Json | Kind::Ndjson | Kind::Csv | Kind::Text => {
                self.plan.walk(self.exchange.text())
            }
            Kind::Empty | Kind::Html | Kind::Xml => None,
        });
        found.as_ref()
    }
}

// === impl Condition ===

impl Condition {
    pub(super) fn holds(&self, scene: &Scene<'_>) -> bool {
        match self {
            Self::Test(test, _) => test.which(scene).is_some(),
            Self::All(parts) => parts.iter().all(|part| part.holds(scene)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(scene)),
            Self::Not(part) => !part.holds(scene),
        }
    }

    /// Whether something of the body that is there had a part in its holding: a field that was found, or words of a text. A
    /// status, an address or what is missing says nothing about whose answer it is.
    pub(super) fn saw_the_body(&self, scene: &Scene<'_>) -> bool {
        match self {
            Self::Test(Test::Json { look, is: true }, _) => {
                !scene.plan.is_of_the_whole(*look) && self.holds(scene)
            }
            Self::Test(Test::Body(_), _) => self.holds(scene),
            Self::Test(..) | Self::Not(_) => false,
            Self::All(parts) => parts.iter().any(|part| part.saw_the_body(scene)),
            Self::Any(parts) => parts
                .iter()
                .any(|part| part.holds(scene) && part.saw_the_body(scene)),
        }
    }

    /// All of these, the cheapest first, so that a body is read only where it may decide.
    pub(super) fn all(mut parts: Vec<Self>) -> Self {
        parts.sort_by_key(Self::cost);
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                Self::All(parts)
            }
        }
    }

    /// What was found, in words. What was not found is told only where nothing else decided.
    pub(super) fn evidence(&self, scene: &Scene<'_>) -> String {
        let mut held = Vec::new();
        self.gather(scene, &mut held);
        if held.is_empty() {
            return self.describe();
        }
        held.join(", ")
    }

    fn gather(&self, scene: &Scene<'_>, held: &mut Vec<String>) {
        match self {
            Self::Test(Test::Status(_), _) => {
                held.extend(
                    scene
                        .exchange
                        .status
                        .map(|status| format!("status {status}")),
                );
            }
            Self::Test(test, about) => {
                held.extend(test.which(scene).map(|which| about.found(which)));
            }
            Self::All(parts) => parts.iter().for_each(|part| part.gather(scene, held)),
            Self::Any(parts) => {
                if let Some(part) = parts.iter().find(|part| part.holds(scene)) {
                    part.gather(scene, held);
                }
            }
            Self::Not(_) => {}
        }
    }

    fn describe(&self) -> String {
        let list = |parts: &[Self], between| {
            let parts: Vec<_> = parts.iter().map(Self::describe).collect();
            parts.join(between)
        };
        match self {
            Self::Test(_, about) => about.to_string(),
            Self::All(parts) => list(parts, " and "),
            Self::Any(parts) => list(parts, " or "),
            Self::Not(part) => format!("not ({})", part.describe()),
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Self::Test(test, _) => test.cost(),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(Self::cost).max().unwrap_or_default()
            }
            Self::Not(part) => part.cost(),
        }
    }
}

// === impl Test ===

impl Test {
    /// The place of the value that the test found, of those that it compares with; `None` where it does not hold.
    fn which(&self, scene: &Scene<'_>) -> Option<usize> {
        let exchange = scene.exchange;
        match self {
            Self::Status(ranges) => {
                let status = exchange.status?;
                let within = |(first, last): &(u16, u16)| (*first..=*last).contains(&status);
                ranges.iter().position(within)
            }
            Self::Kind(kinds) => kinds.iter().position(|kind| *kind == scene.kind()),
            Self::Method(methods) => methods
                .iter()
                .position(|method| exchange.method.eq_ignore_ascii_case(method)),
            Self::Host(words) => words.which(exchange.host.as_bytes()),
            Self::Path(parts) => {
                let path = exchange.path();
                parts.iter().position(|part| path.contains(&**part))
            }
            Self::Header(name, wanted) => {
                let values = exchange.headers.get_all(name).iter();
                of_any(wanted.as_ref(), values)
            }
            Self::Query(name, wanted) => {
                let values = exchange.query(name);
                of_any(wanted.as_ref(), values.map(Text))
            }
            Self::Body(words) => words.which(exchange.head()),
            Self::Json { look, is } => {
                let found = scene.found()?;
                (found.bit(*look) == *is).then(|| found.which(*look))
            }
        }
    }

    const fn cost(&self) -> u8 {
        match self {
            Self::Status(_) => 0,
            Self::Kind(_) | Self::Method(_) | Self::Host(_) | Self::Path(_) => 1,
            Self::Header(..) | Self::Query(..) => 2,
            Self::Json { .. } => 3,
            Self::Body(_) => 4,
        }
    }
}

/// A value of the query as bytes.
struct Text<'a>(Cow<'a, str>);

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The word that the first fitting of several values is or holds; without words, none must be there.
fn of_any(wanted: Option<&Words>, mut values: impl Iterator<Item: AsRef<[u8]>>) -> Option<usize> {
    match wanted {
        None => values.next().is_none().then_some(0),
        Some(words) => values.find_map(|value| words.which(value.as_ref())),
    }
}
