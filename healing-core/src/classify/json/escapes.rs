//! What the escapes of a text stand for (RFC 8259, section 7).

/// Undoes the escapes of a text that was walked over, as far as there is room.
pub(super) fn unescaped<'r>(raw: &str, room: &'r mut [u8]) -> &'r str {
    let mut used = 0;
    let mut chars = raw.chars();
    while let Some(read) = chars.next() {
        let meant = match read {
            '\\' => escaped(&mut chars),
            read => read,
        };
        let Some(free) = room.get_mut(used..used + meant.len_utf8()) else {
            break;
        };
        used += meant.encode_utf8(free).len();
    }
    let text = room.get(..used).unwrap_or_default();
    std::str::from_utf8(text).unwrap_or_default()
}

/// What is meant by what follows a backslash. Halves of a pair stand for nothing that is read here.
fn escaped(chars: &mut std::str::Chars<'_>) -> char {
    match chars.next() {
        Some('n' | 'r' | 't' | 'b' | 'f') | None => ' ',
        Some('u') => {
            let digits = chars.as_str().get(..4).unwrap_or_default();
            let code = u32::from_str_radix(digits, 16).ok();
            chars.by_ref().take(4).for_each(drop);
            code.and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(itself) => itself,
    }
}
