//! The pair of cookie and crumb that is in use, and who may fetch a new one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turns, MutexGuard},
    time::Instant,
};

use crate::{
    attempt::{Miss, Refusal},
    keys::Secret,
    lock::lock,
};

/// The soonest that another pair is fetched after one was. It doubles with each that was fetched in vain.
const PAUSE: Duration = Duration::from_mins(1);

/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_mins(15);

/// A cookie and its crumb. Neither is ever shown.
#[derive(Debug)]
pub(super) struct Session {
    cookies: Secret,
    crumb: Secret,
}

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    current: Mutex<Option<Arc<Session>>>,
    turns: Turns<Pace>,
}

/// When the next pair may be fetched.
#[derive(Debug, Default)]
struct Pace {
    next: Option<Instant>,
    in_vain: u32,
}

/// The right to fetch a pair, which one at a time has.
pub(super) struct Turn<'s> {
    sessions: &'s Sessions,
    pace: MutexGuard<'s, Pace>,
}

// === impl Session ===

impl Session {
    pub(super) fn new(cookies: String, crumb: String) -> Self {
        Self {
            cookies: Secret::new(cookies),
            crumb: Secret::new(crumb),
        }
    }

    pub(super) fn cookies(&self) -> &str {
        self.cookies.expose()
    }

    pub(super) fn crumb(&self) -> &str {
        self.crumb.expose()
    }
}

// === impl Sessions ===

impl Sessions {
    pub(super) fn current(&self) -> Option<Arc<Session>> {
        lock(&self.current).clone()
    }

    /// Waits until nobody else fetches a pair.
    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn {
            sessions: self,
            pace: self.turns.lock().await,
        }
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// The pair that came while one waited.
    pub(super) fn renewed_since(&self, known: Option<&Arc<Session>>) -> Option<Arc<Session>> {
        let current = self.sessions.current()?;
        let is_known = known.is_some_and(|known| Arc::ptr_eq(known, &current));
        (!is_known).then_some(current)
    }

    /// Begins to fetch one, where it is time. It counts from here on, so that a caller that goes away meanwhile counts too.
    pub(super) fn begin(&mut self) -> Result<(), Miss> {
        let now = Instant::now();
        if self.pace.next.is_some_and(|next| now < next) {
            return Err(Miss::Refused(Refusal::NotYet));
        }
        let doubled =
            PAUSE.saturating_mul(1_u32.checked_shl(self.pace.in_vain).unwrap_or(u32::MAX));
        self.pace.next = Some(now + doubled.min(MAX_PAUSE));
        self.pace.in_vain = self.pace.in_vain.saturating_add(1);
        Ok(())
    }

    /// Uses that pair from now on.
    pub(super) fn came(&mut self, session: Session) -> Arc<Session> {
        self.pace.in_vain = 0;
        self.pace.next = Some(Instant::now() + PAUSE);
        let session = Arc::new(session);
        *lock(&self.sessions.current) = Some(Arc::clone(&session));
        session
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn session() -> Session {
        Session::new("A3=secretcookie".to_owned(), "secretcrumb".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_pair_is_fetched_once_a_minute_and_less_often_in_vain() {
        let sessions = Sessions::default();
        assert!(sessions.turn().await.begin().is_ok());
        for pause in [60, 120, 240, 480, 900, 900] {
            advance(Duration::from_secs(pause - 1)).await;
            assert!(sessions.turn().await.begin().is_err(), "{pause}");
            advance(Duration::from_secs(1)).await;
            assert!(sessions.turn().await.begin().is_ok(), "{pause}");
        }
        sessions.turn().await.came(session());
        advance(PAUSE).await;
        assert!(sessions.turn().await.begin().is_ok());
    }

    #[tokio::test]
    async fn who_waited_has_what_came_meanwhile_and_it_is_not_shown() {
        let sessions = Sessions::default();
        assert!(sessions.turn().await.renewed_since(None).is_none());
        let came = sessions.turn().await.came(session());
        let turn = sessions.turn().await;
        assert!(turn.renewed_since(None).is_some());
        assert!(turn.renewed_since(Some(&came)).is_none());
        drop(turn);
        assert!(!format!("{sessions:?}").contains("secret"), "{sessions:?}");
    }
}
