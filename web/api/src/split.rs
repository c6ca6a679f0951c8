//! From a body to its items, without reading what is in them: only strings and nesting are followed.
//!
//! **Invariant:** where every item is valid JSON by itself, the splitting was right: a wrongly nested array gives items
//! that the parser refuses.

use std::ops::Range;

/// Why a body falls into no items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotItems {
    #[error("the body is empty")]
    Empty,
    #[error("the array is malformed at byte {0}")]
    Array(usize),
    #[error("more than {0} events in one request")]
    TooMany(usize),
}

/// Where each item of `body` stands. An array gives its items, several lines give lines, else the body is one item.
///
/// `lines` says that the sender called it NDJSON. Blank lines do not count.
pub(crate) fn items(body: &[u8], lines: bool, most: usize) -> Result<Vec<Range<usize>>, NotItems> {
    let start = skip_blank(body, 0);
    if start == body.len() {
        return Err(NotItems::Empty);
    }
    if lines {
        return line_items(body, most);
    }
    if body[start] == b'[' {
        return array_items(body, start, most);
    }
    // A pretty-printed object has several lines too: it is one value to the end.
    let whole = value_end(body, start).is_some_and(|end| skip_blank(body, end) == body.len());
    let end = start + body[start..].trim_ascii_end().len();
    if whole || memchr::memchr(b'\n', &body[start..end]).is_none() {
        return Ok(std::iter::once(start..end).collect());
    }
    line_items(body, most)
}

fn line_items(body: &[u8], most: usize) -> Result<Vec<Range<usize>>, NotItems> {
    let mut items = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let line = &body[start..end];
        let from = start + (line.len() - line.trim_ascii_start().len());
        let trimmed = line.trim_ascii();
        if !trimmed.is_empty() {
            push(&mut items, from..from + trimmed.len(), most)?;
        }
        start = end + 1;
    }
    Ok(items)
}

fn array_items(body: &[u8], open: usize, most: usize) -> Result<Vec<Range<usize>>, NotItems> {
    let mut items = Vec::new();
    let mut at = skip_blank(body, open + 1);
    if body.get(at) != Some(&b']') {
        loop {
            let end = value_end(body, at).ok_or(NotItems::Array(at))?;
            push(&mut items, at..end, most)?;
            at = skip_blank(body, end);
            match body.get(at) {
                Some(b',') => at = skip_blank(body, at + 1),
                Some(b']') => break,
                _ => return Err(NotItems::Array(at)),
            }
        }
    }
    let after = skip_blank(body, at + 1);
    if after == body.len() { Ok(items) } else { Err(NotItems::Array(after)) }
}

fn push(items: &mut Vec<Range<usize>>, item: Range<usize>, most: usize) -> Result<(), NotItems> {
    if items.len() == most {
        return Err(NotItems::TooMany(most));
    }
    items.push(item);
    Ok(())
}

fn skip_blank(body: &[u8], at: usize) -> usize {
    let blank = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    at + body.get(at..).unwrap_or_default().iter().take_while(blank).count()
}

/// Where the value that begins at `at` ends; `None` where it does not.
fn value_end(body: &[u8], at: usize) -> Option<usize> {
    match *body.get(at)? {
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut at = at;
            loop {
                match *body.get(at)? {
                    b'"' => {
                        at = string_end(body, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        b'"' => string_end(body, at),
        b',' | b']' | b'}' | b':' => None,
        _ => {
            let ends = |b: &u8| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'[' | b'{');
            Some(at + body[at..].iter().position(ends).unwrap_or(body.len() - at))
        }
    }
}

/// Where the string that begins at `open` ends. A line break inside ends nothing: JSON escapes it.
fn string_end(body: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', body.get(at..)?)?;
        match body[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn texts(body: &str, lines: bool) -> Result<Vec<&str>, NotItems> {
        items(body.as_bytes(), lines, 1000).map(|ranges| ranges.into_iter().map(|r| &body[r]).collect())
    }

    #[test]
    fn strings_and_nesting_are_followed() {
        let tricky = r#"{"a":"]},[{\"","b":[1,{"c":"\\"}]}"#;
        assert_eq!(texts(&format!(" [ {tricky} , {tricky},7, \"x\" ] \n"), false).unwrap(), [tricky, tricky, "7", "\"x\""]);
        assert_eq!(texts(tricky, false).unwrap(), [tricky]);
        assert_eq!(texts("[]", false).unwrap(), [""; 0]);
    }

    #[test]
    fn lines_and_pretty_printed_objects_are_told_apart() {
        assert_eq!(texts("{\"a\":1}\r\n\n {\"b\":2}\n", false).unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(texts("{\n \"a\": 1\n}\n", false).unwrap(), ["{\n \"a\": 1\n}"]);
        assert_eq!(texts("{\"a\":\n{\"b\":2}", false).unwrap(), ["{\"a\":", "{\"b\":2}"]);
        assert_eq!(texts("{\"open\n{\"b\":2}", false).unwrap(), ["{\"open", "{\"b\":2}"]);
        assert_eq!(texts("not json", false).unwrap(), ["not json"]);
        assert_eq!(texts("[1]\n[2]", true).unwrap(), ["[1]", "[2]"]);
    }

    #[test]
    fn what_is_no_array_is_said_with_its_place() {
        for (body, at) in
            [("[", 1), ("[1", 2), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("[1]x", 3), ("[{]", 3), ("[\"a", 1), ("[1}", 2)]
        {
            match texts(body, false) {
                Err(NotItems::Array(place)) => assert!(place <= at, "{body}: {place}"),
                other => panic!("{body}: {other:?}"),
            }
        }
        assert_eq!(texts(" \n", false), Err(NotItems::Empty));
        assert_eq!(items(b"[1,2,3]", false, 2), Err(NotItems::TooMany(2)));
        assert_eq!(items(b"1\n2\n3", true, 2), Err(NotItems::TooMany(2)));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\[\\]{}\",:\\\\\n a]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[\\[\\]{}\",:\\\\a]{0,4}", inner), 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn arrays_split_as_a_real_parser_splits_them(values in prop::collection::vec(json(), 0..6), pretty: bool) {
            let array = Value::from(values.clone());
            let body = if pretty { serde_json::to_string_pretty(&array) } else { serde_json::to_string(&array) }.unwrap();
            let split: Vec<Value> = texts(&body, false).unwrap().into_iter().map(|t| serde_json::from_str(t).unwrap()).collect();
            prop_assert_eq!(split, values);
        }

        #[test]
        fn any_bytes_are_split_or_refused_and_items_never_overlap(body in prop::collection::vec(prop::sample::select(b"[]{}\",:\\ \n1a".to_vec()), 0..40), lines: bool) {
            if let Ok(ranges) = items(&body, lines, 1000) {
                let mut last = 0;
                for range in ranges {
                    prop_assert!(last <= range.start && range.start < range.end && range.end <= body.len());
                    last = range.end;
                }
            }
        }
    }
}
