//! What a person would read of a page or an XML text, without the marks.

/// What stands on a page.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Page {
    /// The title and the headings.
    pub(super) heads: String,
    /// All of it, headings too.
    pub(super) text: String,
}

impl Page {
    /// Reads a page; one that is cut is read as far as it goes.
    pub(super) fn of(html: &str) -> Self {
        let mut page = Self::default();
        let mut rest = html;
        let mut in_head = false;
        while let Some((before, tag)) = rest.split_once('<') {
            page.add(before, in_head);
            if let Some(comment) = tag.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            let (mark, after) = tag.split_once('>').unwrap_or((tag, ""));
            let name = name_of(mark);
            rest = after;
            match name.as_str() {
                "title" | "h1" | "h2" => in_head = true,
                "/title" | "/h1" | "/h2" => in_head = false,
                "script" | "style" => rest = behind(after, &name),
                _ => {}
            }
        }
        page.add(rest, in_head);
        page
    }

    fn add(&mut self, text: &str, in_head: bool) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        for to in [Some(&mut self.text), in_head.then_some(&mut self.heads)]
            .into_iter()
            .flatten()
        {
            to.push_str(text);
            to.push(' ');
        }
    }
}

/// The name of the outermost element of an XML text, without a prefix, in lower case.
pub(super) fn root_of(xml: &str) -> String {
    let mut rest = xml;
    while let Some((_, tag)) = rest.split_once('<') {
        if !tag.starts_with(['?', '!']) {
            let name = name_of(tag.split_once('>').map_or(tag, |(mark, _)| mark));
            return name.rsplit(':').next().unwrap_or_default().to_owned();
        }
        rest = tag;
    }
    String::new()
}

fn name_of(mark: &str) -> String {
    let name = mark
        .split(|letter: char| letter.is_whitespace() || letter == '>')
        .next();
    let name = name.unwrap_or_default().trim_end_matches('/');
    name.chars()
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// What stands behind the end of an element whose content is no text.
fn behind<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once("</") {
        if tag
            .get(..name.len())
            .is_some_and(|end| end.eq_ignore_ascii_case(name))
        {
            return tag.split_once('>').map_or("", |(_, after)| after);
        }
        rest = tag;
    }
    ""
}
