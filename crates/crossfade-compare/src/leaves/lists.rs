//! Two lists: by place, laid side by side from both ends where their lengths differ, or as sets where a rule says so.

use std::collections::HashMap;

use crossfade_exchange::DifferenceKind;

use super::{Around, DEEPEST_ORDER, Leaves, Step};
use crate::{document::Node, rules::Rule};

/// What equal values share. Two different ones share it with a probability of 2^-128.
type Print = [u8; 16];

/// Whether lists within a value have an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Counts,
    /// They have none; `true` if it matters how often an element stands in them.
    None(bool),
}

impl<'v> Leaves<'v> {
    /// Compares two lists, not both of them empty.
    pub(super) fn lists(&mut self, around: Around, a: &'v [Node], b: &'v [Node]) {
        match around.holds.rule {
            Rule::Set => self.sets(around, a, b, Order::None(false)),
            Rule::Multiset => self.sets(around, a, b, Order::None(true)),
            Rule::Exact
            | Rule::Casefold
            | Rule::Words
            | Rule::Numeric(_)
            | Rule::Text { .. }
            | Rule::Ignore => self.by_place(around, a, b),
        }
    }

    fn by_place(&mut self, around: Around, a: &'v [Node], b: &'v [Node]) {
        let mut inner = Around {
            lists: around.lists + 1,
            ..around
        };
        let (front, back) = if a.len() == b.len() {
            if around.lists < DEEPEST_ORDER && same_in_another_order(a, b) {
                inner.holds = self.milder(inner.holds);
                self.differs(inner, DifferenceKind::Order);
                inner.told = true;
            }
            (a.len(), 0)
        } else {
            if around.holds.rule != Rule::Ignore {
                self.differs(around, DifferenceKind::Length);
            }
            ends(a, b)
        };
        for (place, (x, y)) in a.iter().zip(b).take(front).enumerate() {
            self.below(inner, Step::Index(place), Some(x), Some(y));
        }
        // Between what is equal at both ends, what both have goes by place, and the rest is on one side alone: told already.
        let middle = |list: &'v [Node]| list.get(front..list.len() - back).unwrap_or_default();
        let (x, y) = (middle(a), middle(b));
        for place in 0..x.len().max(y.len()) {
            let (from, to) = (x.get(place), y.get(place));
            let one_sided = from.is_none() || to.is_none();
            let inner = Around {
                told: inner.told || one_sided,
                alone: inner.alone || one_sided,
                ..inner
            };
            self.below(inner, Step::Index(front + place), from, to);
        }
        let (tail_a, tail_b) = (a.len() - back, b.len() - back);
        let tails = a.iter().skip(tail_a).zip(b.iter().skip(tail_b));
        for (place, (x, y)) in tails.enumerate() {
            self.below(inner, Step::Index(tail_a + place), Some(x), Some(y));
        }
    }

    /// Compares two lists without order: each different element counts as a leaf, or each element where it matters how
    /// often it stands there.
    fn sets(&mut self, around: Around, a: &'v [Node], b: &'v [Node], order: Order) {
        let mut counts = HashMap::<Print, [usize; 2]>::with_capacity(a.len().max(b.len()));
        for (side, list) in [a, b].into_iter().enumerate() {
            for node in list {
                let count = counts.entry(print(node, order)).or_default();
                if let Some(count) = count.get_mut(side) {
                    *count += 1;
                }
            }
        }
        let (mut all, mut equal, mut missing, mut extra) = (0, 0, false, false);
        for [from, to] in counts.into_values() {
            let (from, to) = match order {
                Order::None(true) | Order::Counts => (from, to),
                Order::None(false) => (from.min(1), to.min(1)),
            };
            all += from.max(to);
            equal += from.min(to);
            missing |= from > to;
            extra |= to > from;
        }
        self.count(around, all, equal, crate::finding::share(equal, 1));
        self.at.push(super::ANY);
        for (found, kind) in [
            (missing, DifferenceKind::Missing),
            (extra, DifferenceKind::Extra),
        ] {
            if found {
                self.differs(around, kind);
            }
        }
        self.at.pop();
    }
}

/// How many elements are equal at the front and, of the rest, at the back, of two lists of different lengths.
fn ends(a: &[Node], b: &[Node]) -> (usize, usize) {
    let alike = |(x, y): &(&Node, &Node)| x == y;
    let front = a.iter().zip(b).take_while(alike).count();
    let rest = a.len().min(b.len()) - front;
    let back = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(rest)
        .take_while(alike)
        .count();
    (front, back)
}

fn same_in_another_order(a: &[Node], b: &[Node]) -> bool {
    if a.len() < 2 || a == b {
        return false;
    }
    let prints = |list: &[Node]| {
        let mut prints: Vec<Print> = list.iter().map(|node| print(node, Order::Counts)).collect();
        prints.sort_unstable();
        prints
    };
    prints(a) == prints(b)
}

/// What equal values share: the hash of a text in which each value has one form, members stand by name and, where lists
/// have no order, elements by their own prints.
fn print(node: &Node, order: Order) -> Print {
    let mut hasher = blake3::Hasher::new();
    match node {
        Node::Null => {
            hasher.update(b"n");
        }
        Node::Bool(value) => {
            hasher.update(if *value { b"t" } else { b"f" });
        }
        Node::Number(digits) => {
            hasher.update(b"#").update(digits.canonical().as_bytes());
        }
        Node::String(text) => {
            hasher.update(b"\"").update(text.as_bytes());
        }
        Node::Array(list) => {
            let mut prints: Vec<Print> = list.iter().map(|node| print(node, order)).collect();
            if let Order::None(often) = order {
                prints.sort_unstable();
                if !often {
                    prints.dedup();
                }
            }
            hasher.update(b"[");
            for print in &prints {
                hasher.update(print);
            }
        }
        Node::Object(members) => {
            hasher.update(b"{");
            for (name, node) in members {
                hasher.update(&(name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes()).update(&print(node, order));
            }
        }
    }
    let mut print = Print::default();
    hasher.finalize_xof().fill(&mut print);
    print
}
