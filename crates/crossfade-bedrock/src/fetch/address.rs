//! Which addresses may be connected to: a pure decision over one address.
//!
//! Of version 6 only what the registry gives out as global unicast is taken, and of that not what wraps, tunnels or
//! documents. An address that carries one of version 4 within it is judged by that one.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A range of addresses that nothing is fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// No address at all, or "this network" (RFC 1122).
    Unspecified,
    /// This machine.
    Loopback,
    /// A private network (RFC 1918), or unique local addresses (RFC 4193).
    Private,
    /// Between a carrier and its customers (RFC 6598); one provider's metadata service stands there too.
    Shared,
    /// The local link (RFC 3927, RFC 4291): metadata services stand there.
    LinkLocal,
    /// A cloud's own service behind an address that looks public.
    Metadata,
    /// Many receivers, or all.
    Multicast,
    /// Kept for protocols, documentation, measurements or the future.
    Reserved,
}

/// A service of the cloud's own for each of its virtual machines (DHCP, DNS, health, secrets), at a public address.
const CLOUD_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Ranges of version 4 by prefix; the first that covers an address decides.
const RANGES_V4: [(Ipv4Addr, u32, Range); 19] = [
    (Ipv4Addr::UNSPECIFIED, 8, Range::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Range::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Range::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Range::Loopback),
    (CLOUD_WIRE_SERVER, 32, Range::Metadata),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Range::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Range::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Range::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Range::Reserved),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Range::Reserved),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Range::Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Range::Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Range::Private),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Range::Reserved),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Range::Reserved),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Range::Reserved),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Range::Reserved),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Range::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Range::Reserved),
];

/// Ranges of version 6 that are refused, or whose address of version 4 decides.
const RANGES_V6: [(Ipv6Addr, u32, Rule); 16] = [
    (
        Ipv6Addr::UNSPECIFIED,
        128,
        Rule::Refused(Range::Unspecified),
    ),
    (Ipv6Addr::LOCALHOST, 128, Rule::Refused(Range::Loopback)),
    (prefix([0, 0, 0, 0, 0, 0xffff]), 96, Rule::Within(0)),
    // Compatible addresses of old, which some stacks still route.
    (prefix([0, 0, 0, 0, 0, 0]), 96, Rule::Within(0)),
    (prefix([0x64, 0xff9b, 0, 0, 0, 0]), 96, Rule::Within(0)),
    (
        prefix([0x64, 0xff9b, 1, 0, 0, 0]),
        48,
        Rule::Refused(Range::Private),
    ),
    // Translated addresses (RFC 2765).
    (prefix([0, 0, 0, 0, 0xffff, 0]), 96, Rule::Within(0)),
    // 6to4: the address of version 4 stands after the first 16 bits.
    (prefix([0x2002, 0, 0, 0, 0, 0]), 16, Rule::Within(80)),
    // Teredo and other protocols' own.
    (
        prefix([0x2001, 0, 0, 0, 0, 0]),
        23,
        Rule::Refused(Range::Reserved),
    ),
    (
        prefix([0x2001, 0xdb8, 0, 0, 0, 0]),
        32,
        Rule::Refused(Range::Reserved),
    ),
    (
        prefix([0x2620, 0x4f, 0x8000, 0, 0, 0]),
        48,
        Rule::Refused(Range::Reserved),
    ),
    (
        prefix([0x3fff, 0, 0, 0, 0, 0]),
        20,
        Rule::Refused(Range::Reserved),
    ),
    (
        prefix([0xfc00, 0, 0, 0, 0, 0]),
        7,
        Rule::Refused(Range::Private),
    ),
    (
        prefix([0xfec0, 0, 0, 0, 0, 0]),
        10,
        Rule::Refused(Range::Private),
    ),
    (
        prefix([0xfe80, 0, 0, 0, 0, 0]),
        10,
        Rule::Refused(Range::LinkLocal),
    ),
    (
        prefix([0xff00, 0, 0, 0, 0, 0]),
        8,
        Rule::Refused(Range::Multicast),
    ),
];

/// What a range of version 6 means.
#[derive(Clone, Copy)]
enum Rule {
    Refused(Range),
    /// The address of version 4 that stands this many bits above the end decides.
    Within(u32),
}

/// The first six groups; the other two are zero.
const fn prefix(groups: [u16; 6]) -> Ipv6Addr {
    let [one, two, three, four, five, six] = groups;
    Ipv6Addr::new(one, two, three, four, five, six, 0, 0)
}

/// The range for which an address is refused; `None` if it may be connected to.
pub(super) fn refused(address: IpAddr) -> Option<Range> {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

/// As [`refused`], but this machine and private networks are allowed. What is never a server of content stays refused.
pub(super) fn refused_with_private(address: IpAddr) -> Option<Range> {
    refused(address).filter(|range| match range {
        Range::Loopback | Range::Private => false,
        Range::Unspecified
        | Range::Shared
        | Range::LinkLocal
        | Range::Metadata
        | Range::Multicast
        | Range::Reserved => true,
    })
}

fn refused_v4(address: Ipv4Addr) -> Option<Range> {
    let covers = |base: Ipv4Addr, bits: u32| {
        let shift = 32 - bits;
        u32::from(base) >> shift == u32::from(address) >> shift
    };
    let found = RANGES_V4
        .iter()
        .find(|(base, bits, _)| covers(*base, *bits));
    found.map(|(_, _, range)| *range)
}

fn refused_v6(address: Ipv6Addr) -> Option<Range> {
    // One cloud's metadata service stands among unique local addresses, which are refused anyway, but for
    // `refused_with_private`.
    if address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        || address == Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)
    {
        return Some(Range::Metadata);
    }
    let number = u128::from(address);
    let covers = |base: Ipv6Addr, bits: u32| {
        let shift = 128 - bits;
        u128::from(base) >> shift == number >> shift
    };
    let found = RANGES_V6
        .iter()
        .find(|(base, bits, _)| covers(*base, *bits));
    match found {
        Some((_, _, Rule::Refused(range))) => Some(*range),
        Some((_, _, Rule::Within(above))) => {
            let within = u32::try_from((number >> above) & u128::from(u32::MAX)).unwrap_or(0);
            refused_v4(Ipv4Addr::from(within))
        }
        None => (number >> 125 != 1).then_some(Range::Reserved),
    }
}

// === impl Range ===

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a carrier's shared address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud's own service",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a list of cases")]
    fn every_range_and_its_neighbours() {
        use Range::{
            LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Shared, Unspecified,
        };
        for (address, expected) in [
            // Version 4: first and last of each range, and what stands beside it.
            ("0.0.0.0", Some(Unspecified)),
            ("0.255.255.255", Some(Unspecified)),
            ("1.0.0.0", None),
            ("9.255.255.255", None),
            ("10.0.0.0", Some(Private)),
            ("10.255.255.255", Some(Private)),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.0", Some(Shared)),
            ("100.100.100.200", Some(Shared)),
            ("100.127.255.255", Some(Shared)),
            ("100.128.0.0", None),
            ("126.255.255.255", None),
            ("127.0.0.1", Some(Loopback)),
            ("127.255.255.255", Some(Loopback)),
            ("128.0.0.0", None),
            ("168.63.129.15", None),
            ("168.63.129.16", Some(Metadata)),
            ("168.63.129.17", None),
            ("169.253.255.255", None),
            ("169.254.0.0", Some(LinkLocal)),
            ("169.254.169.254", Some(LinkLocal)),
            ("169.254.170.2", Some(LinkLocal)),
            ("169.254.255.255", Some(LinkLocal)),
            ("169.255.0.0", None),
            ("172.15.255.255", None),
            ("172.16.0.0", Some(Private)),
            ("172.31.255.255", Some(Private)),
            ("172.32.0.0", None),
            ("192.0.0.0", Some(Reserved)),
            ("192.0.0.192", Some(Reserved)),
            ("192.0.1.0", None),
            ("192.0.2.1", Some(Reserved)),
            ("192.31.196.1", Some(Reserved)),
            ("192.52.193.1", Some(Reserved)),
            ("192.88.99.1", Some(Reserved)),
            ("192.167.255.255", None),
            ("192.168.0.1", Some(Private)),
            ("192.168.255.255", Some(Private)),
            ("192.169.0.0", None),
            ("192.175.48.1", Some(Reserved)),
            ("198.17.255.255", None),
            ("198.18.0.0", Some(Reserved)),
            ("198.19.255.255", Some(Reserved)),
            ("198.20.0.0", None),
            ("198.51.100.7", Some(Reserved)),
            ("203.0.113.7", Some(Reserved)),
            ("223.255.255.255", None),
            ("224.0.0.1", Some(Multicast)),
            ("239.255.255.255", Some(Multicast)),
            ("240.0.0.0", Some(Reserved)),
            ("255.255.255.255", Some(Reserved)),
            ("8.8.8.8", None),
            // Version 6.
            ("::", Some(Unspecified)),
            ("::1", Some(Loopback)),
            ("::2", Some(Unspecified)),
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("::ffff:169.254.169.254", Some(LinkLocal)),
            ("::ffff:10.1.2.3", Some(Private)),
            ("::ffff:8.8.8.8", None),
            ("::ffff:0:127.0.0.1", Some(Loopback)),
            ("::127.0.0.1", Some(Loopback)),
            ("64:ff9b::127.0.0.1", Some(Loopback)),
            ("64:ff9b::169.254.169.254", Some(LinkLocal)),
            ("64:ff9b::8.8.8.8", None),
            ("64:ff9b:1::1", Some(Private)),
            ("100::1", Some(Reserved)),
            ("2002:7f00:1::", Some(Loopback)),
            ("2002:a9fe:a9fe::1", Some(LinkLocal)),
            ("2002:808:808::1", None),
            ("2001::1", Some(Reserved)),
            ("2001:1ff::1", Some(Reserved)),
            ("2001:200::1", None),
            ("2001:db8::1", Some(Reserved)),
            ("2001:4860:4860::8888", None),
            ("2606:4700::1111", None),
            ("2620:4f:8000::1", Some(Reserved)),
            ("3fff::1", Some(Reserved)),
            ("3fff:fff::1", Some(Reserved)),
            ("3fff:1000::1", None),
            ("4000::1", Some(Reserved)),
            ("5f00::1", Some(Reserved)),
            ("fc00::1", Some(Private)),
            ("fdff::1", Some(Private)),
            ("fd00:ec2::254", Some(Metadata)),
            ("fd20:ce::254", Some(Metadata)),
            ("fe80::1", Some(LinkLocal)),
            ("febf::1", Some(LinkLocal)),
            ("fec0::1", Some(Private)),
            ("ff02::1", Some(Multicast)),
        ] {
            assert_eq!(refused(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn private_networks_may_be_allowed_and_nothing_else() {
        for (address, refused) in [
            ("127.0.0.1", false),
            ("::1", false),
            ("10.0.0.1", false),
            ("::ffff:192.168.0.1", false),
            ("fd12::1", false),
            ("8.8.8.8", false),
            ("169.254.169.254", true),
            ("fd00:ec2::254", true),
            ("168.63.129.16", true),
            ("0.0.0.0", true),
            ("100.100.100.200", true),
            ("224.0.0.1", true),
            ("fe80::1", true),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(
                refused_with_private(address).is_some(),
                refused,
                "{address}"
            );
        }
    }
}
