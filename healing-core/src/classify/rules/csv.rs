//! One column of a text of lines with values (RFC 4180, and `;` in place of the comma).

/// The values of a column, by its name in the first line, ignoring case; `None` where there is no such column.
pub(super) fn column<'t>(text: &'t [u8], name: &str) -> Option<impl Iterator<Item = &'t str>> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let head = lines.next()?;
    let between = if head.contains(&b',') { b',' } else { b';' };
    let at = cells(head, between).position(|cell| cell.eq_ignore_ascii_case(name.as_bytes()))?;
    let values = lines.filter_map(move |line| cells(line, between).nth(at));
    Some(values.filter_map(|cell| std::str::from_utf8(cell).ok()))
}

/// The cells of a line, without the quotes around them.
fn cells(line: &[u8], between: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let cells = line.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == between && !quoted
    });
    cells.map(|cell| {
        let cell = cell.trim_ascii();
        let inner = cell
            .strip_prefix(b"\"")
            .and_then(|cell| cell.strip_suffix(b"\""));
        inner.unwrap_or(cell)
    })
}
