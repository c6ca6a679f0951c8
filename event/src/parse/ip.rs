//! IP addresses in text: whether a word is one, and the first one in a sentence.

use std::net::Ipv6Addr;

/// The longest word that can be an address: 45 bytes of IPv6 text, a `%`, and a zone as long as an interface name, with
/// room to spare.
const WORD_BYTES_MAX: usize = 80;

/// True for an IPv4 address in dotted decimal without leading zeros, or an IPv6 address (RFC 4291), which may carry a
/// zone (RFC 4007), for instance `fe80::1%eth0`.
pub fn is_ip(word: &str) -> bool {
    if word.len() > WORD_BYTES_MAX {
        return false;
    }
    if memchr::memchr(b':', word.as_bytes()).is_some() { is_ipv6(word) } else { is_ipv4(word) }
}

/// Four numbers up to 255, without leading zeros.
fn is_ipv4(word: &str) -> bool {
    let (mut dots, mut digits, mut value) = (0, 0, 0u32);
    for b in word.bytes() {
        match b {
            b'0'..=b'9' if digits == 0 || value != 0 => {
                value = value * 10 + u32::from(b - b'0');
                digits += 1;
                if value > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 && dots < 3 => (dots, digits, value) = (dots + 1, 0, 0),
            _ => return false,
        }
    }
    dots == 3 && digits > 0
}

fn is_ipv6(word: &str) -> bool {
    let (address, zone) = word.split_once('%').unwrap_or((word, "0"));
    let zone_holds = !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    zone_holds && address.parse::<Ipv6Addr>().is_ok()
}

/// Bytes that continue a word. An address must fill its word, so that a part of a version, a host name or a hash is none.
fn continues(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b':' | b'%' | b'_' | b'-')
}

/// The first IP address in a sentence.
///
/// An address counts where it is a word of its own, or is followed by a colon and a port (IPv4), or by the full stop or
/// colon that ends a clause. What only looks like IPv6 is left out: words without a digit (`dead::beef`), eight pairs of
/// hexadecimal digits (a 64-bit hardware address), and a lone `::`.
pub fn find_ip(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !continues(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && continues(bytes[at]) {
            at += 1;
        }
        if let Some(found) = text.get(start..at).and_then(address_of_word) {
            return Some(found);
        }
    }
    None
}

/// The address that a word is, without a port or punctuation at its end.
fn address_of_word(word: &str) -> Option<&str> {
    if word.len() > WORD_BYTES_MAX || !word.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':') {
        return None;
    }
    // A colon may end a clause, but two belong to the address, as in `fe80::`.
    let word = word.strip_suffix('.').unwrap_or(word);
    let word = match word.strip_suffix(':') {
        Some(rest) if !rest.ends_with(':') => rest,
        _ => word,
    };
    if let Some((host, port)) = word.split_once(':')
        && is_ipv4(host)
    {
        return port.parse::<u16>().is_ok_and(|_| !port.starts_with('+')).then_some(host);
    }
    let looks_like_hardware = word.len() == 23 && word.split(':').all(|pair| pair.len() == 2);
    let plausible = word.bytes().any(|b| b.is_ascii_digit()) && !looks_like_hardware;
    (plausible && is_ip(word)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    #[test]
    fn finds_addresses() {
        for (text, address) in [
            ("10.0.0.1", "10.0.0.1"),
            ("Failed password for root from 203.0.113.7 port 22 ssh2", "203.0.113.7"),
            ("rhost=198.51.100.4  user=root", "198.51.100.4"),
            ("to 10.0.0.1:443 refused", "10.0.0.1"),
            ("the host is 10.0.0.1.", "10.0.0.1"),
            ("10.0.0.1: no route", "10.0.0.1"),
            ("(10.0.0.1)", "10.0.0.1"),
            ("root@10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0"),
            ("10.0.0.1,10.0.0.2", "10.0.0.1"),
            ("https://192.0.2.9:8080/x", "192.0.2.9"),
            ("version 1.2.3.4.5 on 192.0.2.1", "192.0.2.1"),
            ("0.0.0.0", "0.0.0.0"),
            ("255.255.255.255", "255.255.255.255"),
            ("from 2001:db8::1 port 22", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("from fe80::a1b2%eth0 port 22", "fe80::a1b2%eth0"),
            ("::1", "::1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("fe80::", "fe80::"),
            ("2001:db8:0:1:2:3:4:5:", "2001:db8:0:1:2:3:4:5"),
            ("2001:DB8::A", "2001:DB8::A"),
            ("at 12:34:56 from 192.0.2.1", "192.0.2.1"),
            ("(\"192.0.2.1\")", "192.0.2.1"),
        ] {
            assert_eq!(find_ip(text), Some(address), "{text}");
        }
    }

    #[test]
    fn leaves_out_what_only_looks_like_one() {
        for text in [
            "",
            "no address",
            "1.2.3",
            "1.2.3.4.5",
            "999.1.1.1",
            "256.1.1.1",
            "1.2.3.4-beta",
            "v1.2.3.4",
            "x1.2.3.4",
            "1.2.3.4x",
            "01.2.3.4",
            "1.2.3.4:http",
            "1.2.3.4:99999",
            "1.2.3.4:1:2",
            "1..2.3.4",
            ".1.2.3.4",
            "host.1.2.3.4",
            "12:34:56",
            "aa:bb:cc:dd:ee:ff",
            "00:11:22:33:44:55:66:77",
            "d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e",
            "SHA256:1.2.3.4",
            "::",
            "std::fs",
            "dead::beef",
            "1::2::3",
            "2001:db8::12345",
            "fe80::1%",
            "é1.2.3.4",
            "ip-10-0-0-1",
        ] {
            assert_eq!(find_ip(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(text in "[0-9]{0,4}(\\.[0-9]{0,4}){2,4}|[0-9.]{0,16}|[0-9a-f:]{0,40}|[0-9a-f:.]{2,20}") {
            prop_assert_eq!(is_ip(&text), text.parse::<std::net::IpAddr>().is_ok());
        }

        #[test]
        fn what_is_found_is_an_address_and_every_address_is_found(v4: [u8; 4], v6: [u16; 8], text in "\\PC{0,60}") {
            if let Some(found) = find_ip(&text) {
                prop_assert!(is_ip(found));
            }
            let v4 = Ipv4Addr::from(v4).to_string();
            let line = format!("from {v4} port 22");
            prop_assert_eq!(find_ip(&line), Some(v4.as_str()));
            let v6 = Ipv6Addr::from(v6).to_string();
            prop_assume!(v6.bytes().any(|b| b.is_ascii_digit()) && !(v6.len() == 23 && v6.split(':').all(|g| g.len() == 2)));
            let line = format!("from {v6} port 22");
            prop_assert_eq!(find_ip(&line), Some(v6.as_str()));
        }
    }
}
