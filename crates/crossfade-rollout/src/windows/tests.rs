//! One window for each unit, in the order of opening.

use super::*;

fn closed(windows: &mut Windows, clock: u64) -> Vec<(u64, Option<f64>)> {
    std::iter::from_fn(|| windows.close_due(clock))
        .map(|w| (w.opened, w.mean(Gate::Refusal)))
        .collect()
}

fn add(windows: &mut Windows, unit: u128, clock: u64, value: i32) {
    windows
        .of(Unit(unit), clock)
        .unwrap()
        .add(Gate::Refusal, value);
}

#[test]
fn a_window_ends_when_its_time_is_over_and_its_mean_is_of_what_came_in_it() {
    let mut windows = Windows::new(100);
    add(&mut windows, 1, 0, 1);
    add(&mut windows, 2, 10, -1);
    add(&mut windows, 1, 99, 0);
    assert_eq!(closed(&mut windows, 99), []);
    assert_eq!(closed(&mut windows, 100), [(0, Some(0.5))]);
    // A new window of the same unit, behind the other.
    add(&mut windows, 1, 100, 1);
    add(&mut windows, 2, 105, -1);
    assert_eq!(
        closed(&mut windows, 1_000),
        [(10, Some(-1.0)), (100, Some(1.0))]
    );
    assert!(windows.places.is_empty());
    add(&mut windows, 1, 1_000, 1);
    windows.restart(5);
    assert_eq!(closed(&mut windows, u64::MAX), []);
    add(&mut windows, 3, 2_000, 1);
    assert_eq!(closed(&mut windows, 2_005), [(2_000, Some(1.0))]);
}

#[test]
fn numbers_above_the_noise_are_in_ten_thousandths() {
    let mut windows = Windows::new(1);
    let window = windows.of(Unit(1), 0).unwrap();
    window.add(Gate::Label, 10_000);
    window.add(Gate::Label, -5_000);
    window.add(Gate::Transport, 1);
    assert_eq!(window.mean(Gate::Label), Some(0.25));
    assert_eq!(window.mean(Gate::Transport), Some(1.0));
    assert_eq!(window.mean(Gate::Refusal), None);
    for _ in 0..300_000 {
        window.add(Gate::Citations, 10_000);
    }
    assert_eq!(window.mean(Gate::Citations), Some(1.0));
}

#[test]
fn when_there_is_no_room_the_oldest_ends_early_and_is_counted() {
    let mut windows = Windows::new(u64::MAX);
    for unit in 0..Windows::MOST as u128 {
        assert!(windows.close_for(Unit(unit)).is_none());
        add(&mut windows, unit, 0, 1);
    }
    assert!(windows.close_for(Unit(5)).is_none(), "it has one");
    let early = windows.close_for(Unit(1 << 100)).unwrap();
    assert_eq!(
        (early.mean(Gate::Refusal), windows.closed_early()),
        (Some(1.0), 1)
    );
    add(&mut windows, 1 << 100, 0, -1);
    assert_eq!(windows.open.len(), Windows::MOST);
    assert_eq!(
        windows.of(Unit(1 << 100), 0).unwrap().mean(Gate::Refusal),
        Some(-1.0)
    );
    assert!(
        windows.memory_bytes() < 9 << 20,
        "{}",
        windows.memory_bytes()
    );
}
