//! The proof of the machine: one app, a store and a fake clock, through thousands of bad days.
//!
//! A seed decides the app, the requests, and everything that goes wrong: runners that crash, hang or
//! start slowly, a server that is killed before or after any effect or stopped in good order, runners that outlive it
//! and are found by the next server still at work, idle or dying, reports
//! that come late, twice or never, a full disk, a time of day that jumps, cancellations at any moment; and what its owner does: new definitions
//! good and bad, fresh runners, other scaling, runners stopped and killed, the app deleted.
//! Whatever happens, the checks in `checks.rs` hold. A test of the checks themselves breaks the
//! machine in some twenty ways, and each must be caught.

mod checks;
mod dice;
mod machine;
mod plan;
mod story;
mod world;

use machine::{Broken, Fault};
use tintype_domain::app::App;
use world::World;

const SEEDS: u64 = 20_000;
const SHARDS: u64 = 4;

/// `SIMULATION_SEEDS` asks for a longer run.
fn seeds() -> u64 {
    std::env::var("SIMULATION_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

fn shard(number: u64) {
    for seed in (0..seeds()).filter(|seed| seed % SHARDS == number) {
        let end = World::new(seed, App::new).live();
        assert!(end.violation.is_none(), "seed {seed}: {}\n{}", end.violation.unwrap(), World::replay(seed));
    }
}

#[test]
fn nothing_that_happens_in_any_order_breaks_a_promise_shard_1() {
    shard(0);
}

#[test]
fn nothing_that_happens_in_any_order_breaks_a_promise_shard_2() {
    shard(1);
}

#[test]
fn nothing_that_happens_in_any_order_breaks_a_promise_shard_3() {
    shard(2);
}

#[test]
fn nothing_that_happens_in_any_order_breaks_a_promise_shard_4() {
    shard(3);
}

#[test]
fn a_server_killed_at_each_effect_in_turn_loses_nothing() {
    for seed in 0..15 {
        let effects = World::new(seed, App::new).live().effects;
        for fatal in 0..effects {
            let end = World::new(seed, App::new).killed_at(fatal).live();
            assert!(end.violation.is_none(), "seed {seed}, killed at effect {fatal}: {}", end.violation.unwrap());
        }
    }
}

#[test]
fn one_seed_is_one_story() {
    for seed in 0..300 {
        let (once, again) = (World::new(seed, App::new).live(), World::new(seed, App::new).live());
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
    let stories: std::collections::HashSet<u64> =
        (0..300).map(|seed| World::new(seed, App::new).live().trace).collect();
    assert_eq!(stories.len(), 300);
}

#[test]
fn every_kind_of_trouble_happens() {
    let mut seen = story::Seen::default();
    for seed in 0..500 {
        seen.add(&World::new(seed, App::new).live().seen);
    }
    assert!(seen.everything(), "{seen:?}");
}

#[test]
fn a_machine_that_is_broken_on_purpose_is_caught() {
    for fault in Fault::ALL {
        let caught = (0..400).find_map(|seed| {
            let end = World::new(seed, move |spec, name| Broken::new(spec, name, fault)).live();
            end.violation
        });
        let violation = caught.unwrap_or_else(|| panic!("{fault:?} was not caught"));
        println!("{fault:?}: {violation}");
    }
}
