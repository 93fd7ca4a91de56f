//! JSON pointers (RFC 6901) with `*` for any key or row, all of a file in one automaton that a walk steps through.

use std::collections::BTreeMap;

/// The longest pointer, in segments.
const MAX_SEGMENTS: usize = 32;

/// The most states of one automaton. Pointers with many `*` in different places can multiply.
const MAX_STATES: usize = 4096;

/// A pointer that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pointer {
    /// As it was written.
    pub(super) text: Box<str>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Any,
    Key(Box<str>),
}

/// Why a text is no pointer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum PointerError {
    #[error("the pointer {0:?} does not start with `/`")]
    NoSlash(String),
    #[error("the pointer {0:?} has a `~` that is neither `~0` (`~`) nor `~1` (`/`)")]
    Tilde(String),
    #[error("the pointer {0:?} has more than 32 segments")]
    TooDeep(String),
}

/// Every pointer of a file as one tree, while the file is read.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Branch>,
}

#[derive(Debug, Default)]
struct Branch {
    keys: BTreeMap<Box<str>, usize>,
    any: Option<usize>,
    looks: Vec<usize>,
}

/// The same, with one way to go for every key.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    states: Vec<State>,
}

/// A place that some pointer leads to or through.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What is looked at here, as indices.
    pub(super) looks: Vec<usize>,
    /// Sorted by key.
    keys: Vec<(Box<str>, usize)>,
    /// The same for rows that are named by number.
    rows: Vec<(usize, usize)>,
    /// Any other key or row.
    other: Option<usize>,
}

// === impl Pointer ===

impl Pointer {
    pub(super) fn parse(text: &str) -> Result<Self, PointerError> {
        let mut segments = Vec::new();
        let mut rest = text.split('/');
        if rest.next().is_some_and(|before| !before.is_empty()) {
            return Err(PointerError::NoSlash(text.to_owned()));
        }
        for segment in rest {
            let plain = segment.replace("~0", "").replace("~1", "");
            if plain.contains('~') {
                return Err(PointerError::Tilde(text.to_owned()));
            }
            segments.push(match segment {
                "*" => Segment::Any,
                key => Segment::Key(key.replace("~1", "/").replace("~0", "~").into()),
            });
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(PointerError::TooDeep(text.to_owned()));
        }
        Ok(Self {
            text: text.into(),
            segments,
        })
    }
}

// === impl Tree ===

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![Branch::default()],
        }
    }
}

impl Tree {
    /// Has a look taken at wherever a pointer leads.
    pub(super) fn look_at(&mut self, pointer: &Pointer, look: usize) {
        let end = pointer
            .segments
            .iter()
            .fold(0, |at, segment| self.below(at, segment));
        if let Some(node) = self.nodes.get_mut(end) {
            node.looks.push(look);
        }
    }

    fn below(&mut self, at: usize, segment: &Segment) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let below = match segment {
            Segment::Any => *node.any.get_or_insert(new),
            Segment::Key(key) => *node.keys.entry(key.clone()).or_insert(new),
        };
        if below == new {
            self.nodes.push(Branch::default());
        }
        below
    }

    /// The automaton, or `None` where it would be too large: each of its states is the set of branches that a key leads
    /// to at once, its own and that of `*`.
    pub(super) fn into_automaton(self) -> Option<Automaton> {
        let mut found = Sets::default();
        found.state_of(vec![0]);
        let mut states = Vec::new();
        while let Some(set) = found.sets.get(states.len()).cloned() {
            if states.len() == MAX_STATES {
                return None;
            }
            let nodes: Vec<&Branch> = set.iter().filter_map(|n| self.nodes.get(*n)).collect();
            let any: Vec<usize> = nodes.iter().filter_map(|node| node.any).collect();
            let mut literal: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (key, to) in nodes.iter().flat_map(|node| &node.keys) {
                literal.entry(key).or_insert_with(|| any.clone()).push(*to);
            }
            let mut state = State {
                looks: nodes.iter().flat_map(|node| &node.looks).copied().collect(),
                ..State::default()
            };
            for (key, to) in literal {
                let to = found.state_of(to);
                if let Some(row) = row_number(key) {
                    state.rows.push((row, to));
                }
                state.keys.push((key.into(), to));
            }
            state.other = (!any.is_empty()).then(|| found.state_of(any));
            states.push(state);
        }
        Some(Automaton { states })
    }
}

/// The sets of branches that were met, each with its number.
#[derive(Default)]
struct Sets {
    sets: Vec<Vec<usize>>,
    numbers: BTreeMap<Vec<usize>, usize>,
}

impl Sets {
    fn state_of(&mut self, mut set: Vec<usize>) -> usize {
        set.sort_unstable();
        set.dedup();
        let new = self.sets.len();
        let number = *self.numbers.entry(set.clone()).or_insert(new);
        if number == new {
            self.sets.push(set);
        }
        number
    }
}

fn row_number(key: &str) -> Option<usize> {
    let plain = key == "0" || !key.starts_with('0');
    key.parse()
        .ok()
        .filter(|_| plain && key.bytes().all(|byte| byte.is_ascii_digit()))
}

// === impl Automaton ===

impl Automaton {
    /// Where every walk starts: the whole text.
    pub(super) fn start(&self) -> Option<&State> {
        self.states.first()
    }

    /// Where a key leads; `None` where nothing is looked at below it.
    pub(super) fn key(&self, state: &State, key: &str) -> Option<&State> {
        let named = state.keys.binary_search_by(|(name, _)| (**name).cmp(key));
        let named = named.ok().and_then(|n| state.keys.get(n));
        let to = named.map_or(state.other, |(_, to)| Some(*to));
        self.states.get(to?)
    }

    /// Where a row leads.
    pub(super) fn row(&self, state: &State, row: usize) -> Option<&State> {
        let named = state.rows.iter().find(|(number, _)| *number == row);
        let to = named.map_or(state.other, |(_, to)| Some(*to));
        self.states.get(to?)
    }
}
