//! For whom a request comes: the address behind proxies that may say so.
//!
//! Invariant: only a trusted proxy's word counts, and only back to the first hop that is not one
//! itself (RFC 7239); anything else is the peer's own address.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// Hops that are looked at.
const HOPS_MAX: usize = 32;

/// The address of the client of a request from this peer.
#[must_use]
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return peer;
    }
    let hops = forwarded(headers).unwrap_or_else(|| x_forwarded_for(headers));
    // The last hop is the nearest. One that can't be read ends what can be believed.
    let mut client = peer;
    for hop in hops.into_iter().rev().take(HOPS_MAX) {
        let Some(address) = hop else { break };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// The `for` of each element of `Forwarded`; `None` where there is no such header.
fn forwarded(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let mut hops = Vec::new();
    let mut given = false;
    for value in headers.get_all("forwarded") {
        given = true;
        for element in value.to_str().unwrap_or_default().split(',') {
            let of = element.split(';').filter_map(|pair| pair.split_once('='));
            let node = of
                .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
                .map(|(_, value)| value.trim().trim_matches('"'))
                .next();
            hops.push(node.and_then(parse));
        }
    }
    given.then_some(hops)
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all("x-forwarded-for").iter();
    let texts = values.map(|value| value.to_str().unwrap_or_default().to_owned());
    let list: Vec<String> = texts.collect();
    list.iter().flat_map(|text| text.split(',')).map(|text| parse(text.trim())).collect()
}

/// An address, perhaps in brackets, perhaps with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let trusted = ["10.0.0.0/8".parse().expect("a net"), "::1/128".parse().expect("a net")];
        client(peer.parse().expect("an address"), &map, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let x = "x-forwarded-for";
        assert_eq!(of("192.0.2.1", &[(x, "198.51.100.9")]), "192.0.2.1");
        assert_eq!(of("10.0.0.1", &[(x, "198.51.100.9")]), "198.51.100.9");
        assert_eq!(of("::1", &[(x, "198.51.100.9")]), "198.51.100.9");
        assert_eq!(of("::ffff:10.0.0.1", &[(x, "::ffff:198.51.100.9")]), "198.51.100.9");
        // What the client itself wrote in front is not believed.
        assert_eq!(of("10.0.0.1", &[(x, "1.1.1.1, 198.51.100.9, 10.0.0.7")]), "198.51.100.9");
        assert_eq!(of("10.0.0.1", &[(x, "1.1.1.1"), (x, "198.51.100.9")]), "198.51.100.9");
        assert_eq!(of("10.0.0.1", &[(x, "198.51.100.9, unknown")]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn forwarded_goes_before_the_older_header() {
        let both = [("forwarded", "for=192.0.2.60;proto=http"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(of("10.0.0.1", &both), "192.0.2.60");
        let six = [("forwarded", "for=\"[2001:db8::17]:4711\", for=10.0.0.2;by=10.0.0.3")];
        assert_eq!(of("10.0.0.1", &six), "2001:db8::17");
        assert_eq!(of("10.0.0.1", &[("forwarded", "for=_hidden")]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[("forwarded", "proto=https")]), "10.0.0.1");
    }
}
