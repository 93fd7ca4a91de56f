//! The question of another route, which another source may see.

use std::{borrow::Cow, sync::Arc};

use http::{Extensions, header};

use crate::{
    attempt::{
        Ask,
        other::{HARMLESS, OF_THE_ASKED, only, remove},
    },
    vocabulary::pattern::Pattern,
};

impl Ask {
    /// The question of another route with those values. The caller's fields go with it only where `with_fields` says so:
    /// they may hold what is no other source's business. `None` where a value is missing.
    pub(crate) fn of_route<'v>(
        &self,
        pattern: &Arc<Pattern>,
        value: impl Fn(&str) -> Option<Cow<'v, str>>,
        with_fields: bool,
    ) -> Option<Self> {
        let mut headers = if with_fields {
            let mut own = self.headers.clone();
            remove(&mut own, &OF_THE_ASKED);
            // It is read here, not by the caller.
            remove(&mut own, &[header::ACCEPT_ENCODING]);
            own
        } else {
            only(&self.headers, &HARMLESS)
        };
        let uri = pattern.request(&self.uri, &mut headers, value)?;
        if uri.authority() != self.uri.authority() {
            headers.remove(header::HOST);
        }
        Some(Self {
            uri,
            headers,
            pattern: Some(Arc::clone(pattern)),
            extensions: Extensions::new(),
            ..self.clone()
        })
    }
}
