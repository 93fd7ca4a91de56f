//! What was learned, as a store has it over restarts.

use jiff::Timestamp;

/// Something that was learned, as [`Healer::lessons`](crate::Healer::lessons) gives it and
/// [`Healer::recall_lessons`](crate::Healer::recall_lessons) takes it: numbers about a strategy at a route, about a source, or
/// about all that is suspect now. Nothing of what was asked or answered is in it.
///
/// ```
/// use healing_core::{Healer, Lesson};
/// let healer = Healer::builder().build();
/// let lesson = Lesson {
///     name: r#"["source","fred_api"]"#.to_owned(),
///     at: jiff::Timestamp::UNIX_EPOCH,
///     encoding: 2_000_000, // of another program
///     state: "{}".to_owned(),
/// };
/// healer.recall_lessons(&[lesson]); // is set aside, with a message
/// assert_eq!(healer.learner().set_aside, 1);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lesson {
    /// What it is about; no two have the same.
    pub name: String,
    /// The moment for which its numbers hold.
    pub at: Timestamp,
    /// How `state` is written. A program that does not know it learns anew.
    pub encoding: u32,
    /// The numbers, as JSON.
    pub state: String,
}
