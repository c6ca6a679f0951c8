//! Messages out of a TCP byte stream: RFC 6587's two framings, told apart frame by frame.
//!
//! ```text
//! octet counting    (§3.4.1)  MSG-LEN SP SYSLOG-MSG          "11 <13>message"
//! non-transparent   (§3.4.2)  SYSLOG-MSG TRAILER             "<13>message\n"
//! ```
//!
//! How a frame is read:
//!
//! - CR, LF and NUL between frames are skipped, so empty frames are, too.
//! - A frame is octet-counted if it begins with a digit 1 to 9, at most nine further digits, one space and `<`. Every
//!   SYSLOG-MSG begins with `<` (RFC 5424 §6.2.1), so a line without PRI that begins with a number ("2026-03-02T…",
//!   "15 packets lost") stays a line.
//! - Anything else is a line; it ends at LF or NUL.
//! - CR, LF and NUL at the end of a message are trimmed in both framings: some senders count them in.
//! - A message above the limit, before trimming, is refused once and skipped up to its end, without being held.
//! - When the connection ends, the rest of a line counts as a message; the rest of an octet-counted frame is refused.
//!
//! **Invariant:** the messages depend on the stream alone, not on how it was cut into reads.

use memchr::memchr2;
use std::ops::ControlFlow;

/// How many digits an octet count may have.
const COUNT_DIGITS_MAX: usize = 10;

/// How much of a message that is too long is kept as evidence. Below the smallest limit, so that it is always there.
pub const EVIDENCE_BYTES: usize = 256;

/// The smallest limit: what every receiver must accept (RFC 5424 §6.1).
pub const MESSAGE_BYTES_MIN: usize = 480;

/// Why the framing refused bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The octet count is above the limit.
    #[error("a message of {count} bytes is above the limit of {limit}")]
    CountTooLarge {
        /// What the sender announced.
        count: u64,
        /// The most bytes of a message.
        limit: usize,
    },
    /// A line does not end within the limit.
    #[error("a line is longer than the limit of {limit} bytes")]
    LineTooLong {
        /// The most bytes of a message.
        limit: usize,
    },
    /// The stream ended within an octet-counted message.
    #[error("the connection ended after {received} of {count} bytes of a message")]
    CutShort {
        /// What the sender announced.
        count: u64,
        /// What came.
        received: u64,
    },
}

impl Refusal {
    /// Its stable word in counters and dead letters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CountTooLarge { .. } | Self::LineTooLong { .. } => "message_too_long",
            Self::CutShort { .. } => "message_cut_short",
        }
    }
}

/// Takes what a [`Framer`] finds, in the order of the stream.
pub trait FrameSink {
    /// One message, never empty. `Break` makes [`Framer::feed`] return right after it.
    fn message(&mut self, message: &[u8]) -> ControlFlow<()>;
    /// Bytes that are no message; `raw` is what was held of them.
    fn refused(&mut self, refusal: Refusal, raw: &[u8]);
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Between two frames; nothing is held.
    Between,
    /// The frame began with a digit; the digits, and the space once it came, are held.
    Counting,
    /// In a line; what came of it is held.
    Line,
    /// In an octet-counted message; what came of it is held.
    Counted { count: usize },
    /// In a message that is announced as too long; its beginning is held until there is enough evidence.
    TooLong { count: u64 },
    /// Past the refusal of a line: up to its delimiter.
    SkipLine,
    /// Past the refusal of an octet-counted message: this many bytes more.
    SkipCounted { left: u64 },
}

/// What became of the digits at the beginning of a frame.
enum Head {
    More,
    Line,
    Counted(u64),
}

/// Cuts one connection's bytes into messages. Holds at most one unfinished message.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    state: State,
    held: Vec<u8>,
}

impl Framer {
    /// A framer at the beginning of a stream, for messages of at most `limit` bytes (at least [`MESSAGE_BYTES_MIN`]).
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(MESSAGE_BYTES_MIN), state: State::Between, held: Vec::new() }
    }

    /// Frames `bytes` until they are used up or the sink breaks; says how many were used.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FrameSink) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let (used, flow) = self.step(&bytes[at..], sink);
            at += used;
            if flow.is_break() {
                break;
            }
        }
        at
    }

    /// The stream has ended: hands over the rest. The framer then stands at the beginning of another stream.
    pub fn finish(&mut self, sink: &mut impl FrameSink) {
        let limit = self.limit;
        match std::mem::replace(&mut self.state, State::Between) {
            State::Between | State::SkipLine | State::SkipCounted { .. } => {}
            State::Counting | State::Line => {
                let _ = hand_over(&self.held, sink);
            }
            State::Counted { count } => {
                sink.refused(Refusal::CutShort { count: count as u64, received: self.held.len() as u64 }, &self.held);
            }
            State::TooLong { count } => sink.refused(Refusal::CountTooLarge { count, limit }, &self.held),
        }
        self.held.clear();
    }

    /// Takes one step within `bytes`, which are not empty: it uses some of them or changes the state.
    fn step(&mut self, bytes: &[u8], sink: &mut impl FrameSink) -> (usize, ControlFlow<()>) {
        let on = ControlFlow::Continue(());
        match self.state {
            State::Between => match bytes[0] {
                b'\r' | b'\n' | 0 => (1, on),
                b'1'..=b'9' => {
                    self.state = State::Counting;
                    (0, on)
                }
                _ => self.line(bytes, sink),
            },
            State::Counting => match self.head(bytes[0]) {
                Head::More => {
                    self.held.push(bytes[0]);
                    (1, on)
                }
                Head::Line => {
                    self.state = State::Line;
                    (0, on)
                }
                Head::Counted(count) => {
                    self.held.clear();
                    self.state = match usize::try_from(count) {
                        Ok(count) if count <= self.limit => State::Counted { count },
                        _ => State::TooLong { count },
                    };
                    (0, on)
                }
            },
            State::Line => self.line(bytes, sink),
            State::Counted { count } => self.counted(count, bytes, sink),
            State::TooLong { count } => {
                let used = (EVIDENCE_BYTES - self.held.len()).min(bytes.len());
                self.held.extend_from_slice(&bytes[..used]);
                if self.held.len() == EVIDENCE_BYTES {
                    sink.refused(Refusal::CountTooLarge { count, limit: self.limit }, &self.held);
                    self.held.clear();
                    self.state = State::SkipCounted { left: count - EVIDENCE_BYTES as u64 };
                }
                (used, on)
            }
            State::SkipLine => match memchr2(b'\n', 0, bytes) {
                Some(end) => {
                    self.state = State::Between;
                    (end + 1, on)
                }
                None => (bytes.len(), on),
            },
            State::SkipCounted { left } => {
                let used = left.min(bytes.len() as u64);
                self.state = if used == left { State::Between } else { State::SkipCounted { left: left - used } };
                (used as usize, on)
            }
        }
    }

    /// What `next` makes of the digits that are held.
    fn head(&self, next: u8) -> Head {
        match (self.held.last(), next) {
            (Some(b' '), b'<') => {
                let digits = self.held.iter().take_while(|b| b.is_ascii_digit());
                Head::Counted(digits.fold(0, |count, b| count * 10 + u64::from(b - b'0')))
            }
            (Some(b' '), _) => Head::Line,
            (_, b'0'..=b'9') if self.held.len() < COUNT_DIGITS_MAX => Head::More,
            (Some(_), b' ') => Head::More,
            _ => Head::Line,
        }
    }

    fn line(&mut self, bytes: &[u8], sink: &mut impl FrameSink) -> (usize, ControlFlow<()>) {
        // One byte past the limit is enough to see that a line is too long.
        let room = self.limit - self.held.len() + 1;
        let window = &bytes[..room.min(bytes.len())];
        if let Some(end) = memchr2(b'\n', 0, window) {
            let flow = if self.held.is_empty() {
                hand_over(&bytes[..end], sink)
            } else {
                self.held.extend_from_slice(&bytes[..end]);
                hand_over(&self.held, sink)
            };
            self.held.clear();
            self.state = State::Between;
            return (end + 1, flow);
        }
        if window.len() < room {
            self.held.extend_from_slice(window);
            self.state = State::Line;
            return (window.len(), ControlFlow::Continue(()));
        }
        let missing = EVIDENCE_BYTES.saturating_sub(self.held.len());
        self.held.extend_from_slice(&window[..missing.min(window.len())]);
        sink.refused(Refusal::LineTooLong { limit: self.limit }, &self.held[..EVIDENCE_BYTES.min(self.held.len())]);
        self.held.clear();
        self.state = State::SkipLine;
        (window.len(), ControlFlow::Continue(()))
    }

    fn counted(&mut self, count: usize, bytes: &[u8], sink: &mut impl FrameSink) -> (usize, ControlFlow<()>) {
        let missing = count - self.held.len();
        if bytes.len() < missing {
            self.held.extend_from_slice(bytes);
            return (bytes.len(), ControlFlow::Continue(()));
        }
        let flow = if self.held.is_empty() {
            hand_over(&bytes[..missing], sink)
        } else {
            self.held.extend_from_slice(&bytes[..missing]);
            hand_over(&self.held, sink)
        };
        self.held.clear();
        self.state = State::Between;
        (missing, flow)
    }
}

/// Trims a message and gives it to the sink, unless nothing is left of it.
fn hand_over(message: &[u8], sink: &mut impl FrameSink) -> ControlFlow<()> {
    let end = message.iter().rposition(|b| !matches!(b, b'\r' | b'\n' | 0)).map_or(0, |last| last + 1);
    if end == 0 { ControlFlow::Continue(()) } else { sink.message(&message[..end]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = MESSAGE_BYTES_MIN;

    #[derive(Debug, PartialEq, Eq, Clone)]
    enum Seen {
        Message(Vec<u8>),
        Refused(Refusal, Vec<u8>),
    }

    #[derive(Default)]
    struct Collect {
        seen: Vec<Seen>,
        breaks: bool,
    }

    impl FrameSink for Collect {
        fn message(&mut self, message: &[u8]) -> ControlFlow<()> {
            self.seen.push(Seen::Message(message.to_vec()));
            if self.breaks { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
        fn refused(&mut self, refusal: Refusal, raw: &[u8]) {
            self.seen.push(Seen::Refused(refusal, raw.to_vec()));
        }
    }

    fn frame(pieces: &[&[u8]]) -> Vec<Seen> {
        let mut sink = Collect::default();
        let mut framer = Framer::new(LIMIT);
        for piece in pieces {
            assert_eq!(framer.feed(piece, &mut sink), piece.len());
            assert!(framer.held.len() <= LIMIT);
        }
        framer.finish(&mut sink);
        sink.seen
    }

    /// The rules of the module's header, over the whole stream at once.
    fn reference(mut rest: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        let message = |seen: &mut Vec<Seen>, mut bytes: &[u8]| {
            while let [head @ .., b'\r' | b'\n' | 0] = bytes {
                bytes = head;
            }
            if !bytes.is_empty() {
                seen.push(Seen::Message(bytes.to_vec()));
            }
        };
        while let Some(&first) = rest.first() {
            if matches!(first, b'\r' | b'\n' | 0) {
                rest = &rest[1..];
                continue;
            }
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if first != b'0' && (1..=10).contains(&digits) && rest[digits..].starts_with(b" <") {
                let count: u64 = std::str::from_utf8(&rest[..digits]).unwrap().parse().unwrap();
                let body = &rest[digits + 1..];
                let here = (count as usize).min(body.len());
                if count > LIMIT as u64 {
                    let evidence = body[..here.min(EVIDENCE_BYTES)].to_vec();
                    seen.push(Seen::Refused(Refusal::CountTooLarge { count, limit: LIMIT }, evidence));
                } else if here < count as usize {
                    seen.push(Seen::Refused(Refusal::CutShort { count, received: here as u64 }, body.to_vec()));
                } else {
                    message(&mut seen, &body[..here]);
                }
                rest = &body[here..];
            } else {
                let end = rest.iter().position(|b| matches!(b, b'\n' | 0)).unwrap_or(rest.len());
                if end > LIMIT {
                    seen.push(Seen::Refused(Refusal::LineTooLong { limit: LIMIT }, rest[..EVIDENCE_BYTES].to_vec()));
                } else {
                    message(&mut seen, &rest[..end]);
                }
                rest = &rest[(end + 1).min(rest.len())..];
            }
        }
        seen
    }

    fn messages(stream: &[u8]) -> Vec<String> {
        let text = |seen| match seen {
            Seen::Message(bytes) => String::from_utf8(bytes).unwrap(),
            Seen::Refused(refusal, _) => format!("! {refusal}"),
        };
        frame(&[stream]).into_iter().map(text).collect()
    }

    #[test]
    fn both_framings_on_one_connection() {
        assert_eq!(messages(b"<13>a\n7 <13>b\nc<13>d\r\n\r\n\n<13>e\0"), ["<13>a", "<13>b\nc", "<13>d", "<13>e"]);
        assert_eq!(messages(b"6 <13>a\n6 <13>b\n"), ["<13>a", "<13>b"], "a counted trailer, and one that is not");
        assert_eq!(messages(b"5 <13>a\n5 <13>b\n"), ["<13>a", "<13>b"]);
    }

    #[test]
    fn a_line_may_begin_with_a_number() {
        for line in
            ["2026-03-02T10:00:00Z up", "15 packets lost", "12345678901 <13>x", "0 <13>x", "7", "7 ", "12:30 up", "5  <13>x"]
        {
            assert_eq!(messages(format!("{line}\n<13>next\n").as_bytes()), [line, "<13>next"], "{line}");
        }
    }

    #[test]
    fn the_end_of_the_stream_ends_a_line_but_not_a_counted_message() {
        assert_eq!(messages(b"<13>a\n<13>rest"), ["<13>a", "<13>rest"]);
        assert_eq!(messages(b"12"), ["12"]);
        assert_eq!(messages(b"20 <13>a"), ["! the connection ended after 5 of 20 bytes of a message"]);
    }

    #[test]
    fn the_limit_is_inclusive_and_a_longer_message_costs_only_itself() {
        let whole = format!("<13>{}", "x".repeat(LIMIT - 4));
        assert_eq!(messages(format!("{whole}\n<13>y\n").as_bytes()), [&whole, "<13>y"]);
        assert_eq!(messages(format!("{LIMIT} {whole}<13>y\n").as_bytes()), [&whole, "<13>y"]);
        let long = format!("<13>{}", "x".repeat(LIMIT * 9));
        assert_eq!(messages(format!("{long}\n<13>y\n").as_bytes())[1], "<13>y");
        let counted = messages(format!("{} {long}<13>y\n", long.len()).as_bytes());
        assert_eq!(counted, ["! a message of 4324 bytes is above the limit of 480", "<13>y"]);
    }

    #[test]
    fn a_sink_may_stop_after_each_message() {
        let stream = b"<13>a\n5 <13>b<13>c\n<13>d";
        let (mut framer, mut sink) = (Framer::new(LIMIT), Collect { breaks: true, ..Collect::default() });
        let mut at = 0;
        while at < stream.len() {
            let before = sink.seen.len();
            at += framer.feed(&stream[at..], &mut sink);
            assert!(sink.seen.len() <= before + 1);
        }
        framer.finish(&mut sink);
        assert_eq!(sink.seen, frame(&[stream]));
    }

    /// Pieces of streams that are likely to meet the rules' edges.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let fragment = prop_oneof![
            4 => "<13>[a-z ]{0,12}".prop_map(String::into_bytes),
            3 => "[0-9]{1,11} ?<?[a-z]{0,4}".prop_map(String::into_bytes),
            4 => prop_oneof![Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"\0".to_vec()), Just(b" ".to_vec())],
            3 => "<1>[a-z\n\r]{0,20}".prop_map(|m| format!("{} {m}", m.len()).into_bytes()),
            1 => (LIMIT - 2..LIMIT + 3).prop_map(|n| vec![b'x'; n]),
            1 => (LIMIT - 2..LIMIT + 300).prop_map(|n| format!("{n} <1>{}", "y".repeat(n - 3)).into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec(fragment, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_split_gives_the_same_as_one_piece_and_as_the_reference(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let expected = reference(&stream);
            prop_assert_eq!(&frame(&[&stream]), &expected);
            let single: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&frame(&single), &expected);
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
            ends.sort_unstable();
            let pieces: Vec<&[u8]> = ends.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
            prop_assert_eq!(&frame(&pieces), &expected);
        }
    }
}
