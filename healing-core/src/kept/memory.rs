//! What is remembered of one URL as one caller sees it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

use crate::{
    classify::{freshness::Moment, shape::Shape},
    kept::{
        BodyHash, copy::Copy, dates::Dates, habits::Habits, looks::Looks, steps::Steps,
        title::Title,
    },
    lock::lock,
    outage::{Gate, Guards},
};

/// A shape that came so often in a row is the new shape.
const ACCEPTED_AFTER: u8 = 3;

/// What an entry weighs beside its copies.
pub(crate) const ENTRY_BYTES: usize = 1024;

/// Variants of one URL that are kept beside the newest; the oldest goes first.
const MAX_OTHERS: usize = 15;

/// Between two offers of what only heals, in milliseconds.
const BETWEEN_OFFERS: u64 = 2_000;

/// What a URL's last good answer looked like.
#[derive(Clone, Debug)]
pub(crate) struct Promise(Arc<(Shape, Option<u64>)>);

/// What is remembered of one URL.
pub(crate) struct Memory {
    /// The copy that came last.
    newest: ArcSwapOption<Copy>,
    /// Those of other variants.
    others: Mutex<Vec<Arc<Copy>>>,
    /// Whether there are some. All that a URL without variants reads.
    has_others: AtomicBool,
    /// The shape of the last good answer, and which of the URL's variants that was.
    promise: ArcSwapOption<(Shape, Option<u64>)>,
    /// A keyed hash of the last good answer's body as it came over the wire; zero before there was one.
    last_good: AtomicU64,
    pub(crate) dates: Dates,
    pub(crate) steps: Steps,
    pub(crate) looks: Looks,
    pub(crate) habits: Habits,
    candidate: Mutex<Option<(u64, u8)>>,
    /// Whether there is one. All that a healthy answer reads.
    has_candidate: AtomicBool,
    pub(crate) gate: Arc<Gate>,
    /// What it is called, once something of it was kept.
    title: OnceLock<Arc<Title>>,
    /// When a copy that only heals was offered to others last, in milliseconds since this memory began, and one.
    offered: AtomicU64,
    began: Instant,
}

// === impl Promise ===

impl std::ops::Deref for Promise {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        &self.0.0
    }
}

// === impl Memory ===

impl Memory {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            newest: ArcSwapOption::empty(),
            others: Mutex::default(),
            has_others: AtomicBool::new(false),
            promise: ArcSwapOption::empty(),
            last_good: AtomicU64::new(0),
            dates: Dates::default(),
            steps: Steps::default(),
            looks: Looks::default(),
            habits: Habits::default(),
            candidate: Mutex::new(None),
            has_candidate: AtomicBool::new(false),
            gate: Arc::new(Gate::new(Guards::One, now)),
            title: OnceLock::new(),
            offered: AtomicU64::new(0),
            began: now,
        }
    }

    /// The newest copy that fits.
    pub(crate) fn find(&self, mut fits: impl FnMut(&Copy) -> bool) -> Option<Arc<Copy>> {
        let newest = self.newest.load();
        if let Some(copy) = newest.as_ref().filter(|copy| fits(copy)) {
            return Some(Arc::clone(copy));
        }
        if !self.has_others.load(Relaxed) {
            return None;
        }
        let others = lock(&self.others);
        others.iter().rev().find(|copy| fits(copy)).map(Arc::clone)
    }

    /// Keeps a copy beside those of other variants. Whether it is there already costs nothing.
    pub(crate) fn keep(&self, copy: &Arc<Copy>) {
        if self.holds(copy) {
            return;
        }
        let before = self.newest.swap(Some(Arc::clone(copy)));
        let displaced = before.filter(|before| !before.gives_way_to(copy));
        if displaced.is_none() && !self.has_others.load(Relaxed) {
            return;
        }
        let mut others = lock(&self.others);
        others.retain(|other| !other.gives_way_to(copy) && !Arc::ptr_eq(other, copy));
        others.extend(displaced);
        if others.len() > MAX_OTHERS {
            others.remove(0);
        }
        self.has_others.store(!others.is_empty(), Relaxed);
    }

    /// All copies.
    pub(crate) fn copies(&self) -> Vec<Arc<Copy>> {
        let mut copies: Vec<_> = self.newest.load_full().into_iter().collect();
        if self.has_others.load(Relaxed) {
            copies.extend(lock(&self.others).iter().map(Arc::clone));
        }
        copies
    }

    /// Forgets all copies, and nothing else.
    pub(crate) fn drop_copies(&self) {
        self.newest.store(None);
        lock(&self.others).clear();
        self.has_others.store(false, Relaxed);
    }

    /// Keeps an older copy, where there is none of its variant.
    pub(crate) fn keep_beside(&self, copy: &Arc<Copy>) {
        let newest = self.newest.load_full();
        if self.copies().iter().any(|other| copy.gives_way_to(other)) {
            return;
        }
        self.keep(copy);
        if let Some(newest) = newest {
            self.keep(&newest);
        }
    }

    fn holds(&self, copy: &Arc<Copy>) -> bool {
        let held = self.newest.load();
        held.as_ref().is_some_and(|held| Arc::ptr_eq(held, copy))
    }

    /// What that variant of the URL promises. One variant is remembered, the last.
    pub(crate) fn promise(&self, varies_by: Option<u64>) -> Option<Promise> {
        let promise = self.promise.load_full()?;
        (promise.1.is_some() && promise.1 == varies_by).then_some(Promise(promise))
    }

    /// Whether a good answer of the URL is remembered.
    pub(crate) fn has_promise(&self) -> bool {
        self.promise.load().is_some()
    }

    /// A good answer of another shape than the last one came.
    pub(crate) fn promises(&self, shape: Shape, varies_by: Option<u64>) {
        self.promise.store(Some(Arc::new((shape, varies_by))));
    }

    /// An answer of another shape came. Returns whether it came often enough in a row to be the new one.
    pub(crate) fn accepts(&self, shape: &Shape) -> bool {
        self.has_candidate.store(true, Relaxed);
        let mut candidate = lock(&self.candidate);
        let likeness = shape.likeness();
        let seen = match *candidate {
            Some((last, seen)) if last == likeness => seen + 1,
            _ => 1,
        };
        *candidate = (seen < ACCEPTED_AFTER).then_some((likeness, seen));
        seen >= ACCEPTED_AFTER
    }

    /// Whether the last good answer had just this body: it is as good as it was, and need not be looked into again.
    pub(crate) fn knows(&self, body: BodyHash) -> bool {
        self.last_good.load(Relaxed) == body.0
    }

    /// A copy that has that body. It may be older than the last good answer: not every one is kept.
    pub(crate) fn copy_with(&self, body: BodyHash) -> Option<Arc<Copy>> {
        self.find(|copy| copy.hash == body)
    }

    /// The newest that the copy names, where that is known.
    pub(crate) fn newest_kept(&self) -> Option<Moment> {
        let copy = self.newest.load();
        self.dates.newest_of(copy.as_ref()?.hash)
    }

    /// What it is called, where that is known.
    pub(crate) fn title(&self) -> Option<&Arc<Title>> {
        self.title.get()
    }

    /// What it is called, from now on.
    pub(crate) fn titled(&self, title: impl FnOnce() -> Arc<Title>) -> &Arc<Title> {
        self.title.get_or_init(title)
    }

    /// Whether a copy is to be offered to others now. One that only heals waits for its turn with all of its URL.
    pub(crate) fn is_news(&self, copy: &Copy, now: Instant) -> bool {
        if copy.terms.lifetime.is_some_and(|time| !time.is_zero()) {
            return copy.is_news(now);
        }
        let since = now.saturating_duration_since(self.began);
        let since = u64::try_from(since.as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let before = self.offered.load(Relaxed);
        let is_due = before == 0 || since.saturating_sub(before) >= BETWEEN_OFFERS;
        if is_due {
            self.offered.store(since, Relaxed);
        }
        is_due
    }

    /// Whether this URL ever had a good answer.
    pub(crate) fn was_good(&self) -> bool {
        self.last_good.load(Relaxed) != 0
    }

    /// A good answer had this body.
    pub(crate) fn learns(&self, body: BodyHash) {
        self.last_good.store(body.0, Relaxed);
        if self.has_candidate.load(Relaxed) {
            self.forgets_candidate();
        }
    }

    /// The row of new shapes is broken.
    pub(crate) fn forgets_candidate(&self) {
        if self.has_candidate.swap(false, Relaxed) {
            lock(&self.candidate).take();
        }
    }

    pub(crate) fn weight(&self) -> usize {
        let newest = self.newest.load().as_ref().map_or(0, |copy| copy.weight);
        let others = if self.has_others.load(Relaxed) {
            lock(&self.others).iter().map(|copy| copy.weight).sum()
        } else {
            0
        };
        let title = self.title.get().map_or(0, |title| title.shown.len());
        ENTRY_BYTES + title + newest + others
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("weight", &self.weight())
            .finish_non_exhaustive()
    }
}
