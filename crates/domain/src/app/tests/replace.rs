//! Definitions, runners and apps that come and go.

use super::*;

fn begun(n: u32, generation: u32) -> Effect {
    Effect::StartRunner { runner: runner(n), generation }
}

fn switched(generation: u32) -> Effect {
    Effect::RolloutEnded { generation, failed: None }
}

fn terminated(n: u32) -> Effect {
    Effect::TerminateRunner { runner: runner(n) }
}

impl Play {
    /// An app with a runner that is ready and idle.
    fn up(spec: Spec) -> Self {
        let mut play = Self::new(spec);
        play.run(1, 1);
        play.report(1, 1, answered(200));
        play.hear(Event::Ended { id: id(1) });
        play
    }

    fn replace(&mut self, generation: u32, strategy: Strategy) -> Vec<Effect> {
        let spec = self.app.spec().clone();
        self.hear(Event::Replace { generation, spec, strategy })
    }

    fn ready(&mut self, n: u32) -> Vec<Effect> {
        self.hear(Event::RunnerReady { runner: runner(n) })
    }

    fn phases(&self) -> Vec<(RunnerPhase, Replacement)> {
        self.app.runners().iter().map(|runner| (runner.phase, runner.replacement)).collect()
    }
}

#[test]
fn traffic_goes_to_a_new_definition_when_a_runner_of_it_is_ready_and_the_old_one_drains() {
    let mut play = Play::up(Spec::default());
    play.arrive(2);
    play.hear(Event::Began { id: id(2), attempt: Attempt(1) });
    assert_eq!(play.replace(1, Strategy::Rolling), [begun(2, 1)]);
    assert!(play.app.is_rolling());
    assert_eq!(play.phases(), [(RunnerPhase::Running, Replacement::Will), (RunnerPhase::Pending, Replacement::None)]);
    assert_eq!(play.ready(2), [switched(1)]);
    assert_eq!(play.phases()[0], (RunnerPhase::Draining, Replacement::Did));
    let next = play.arrive(3);
    assert_eq!(next, [Effect::Begin { id: id(3), attempt: Attempt(1), runner: runner(2) }]);
    assert!(play.report(2, 1, answered(200)).contains(&terminated(1)));
}

#[test]
fn a_new_definition_whose_start_fails_leaves_the_old_one_serving_and_unblamed() {
    let mut play = Play::up(Spec::default());
    play.replace(1, Strategy::Rolling);
    let failed = Some("no runner of it became ready: it exited with status 1".to_owned());
    assert_eq!(play.exit(2), [Effect::RolloutEnded { generation: 1, failed }]);
    assert_eq!(play.app.backoff(play.now), None);
    assert_eq!(play.arrive(2), [Effect::Begin { id: id(2), attempt: Attempt(1), runner: runner(1) }]);
}

#[test]
fn a_definition_that_mends_a_crash_loop_is_tried_at_once() {
    let mut play = Play::new(Spec { crash_pause: CrashPause::DEPLOYED, ..Spec::default() });
    play.arrive(1);
    play.exit(1);
    let backoff = play.app.backoff(play.now).unwrap();
    assert_eq!((backoff.phase, backoff.runner), (RunnerPhase::CrashBackoff, runner(1)));
    assert_eq!(backoff.stage.unwrap(), "1 in a row came to nothing; the next start is in 30 s");
    assert_eq!(play.replace(1, Strategy::Rolling), [begun(2, 1)]);
    let effects = play.ready(2);
    assert_eq!(effects, [switched(1), Effect::Begin { id: id(1), attempt: Attempt(1), runner: runner(2) }]);
    assert_eq!(play.app.backoff(play.now), None);
}

#[test]
fn a_newer_definition_takes_the_place_of_the_one_on_trial() {
    let mut play = Play::up(Spec::default());
    play.replace(1, Strategy::Rolling);
    let effects = play.replace(2, Strategy::Rolling);
    assert!(matches!(
        &effects[..],
        [
            Effect::TerminateRunner { .. },
            Effect::RolloutEnded { generation: 1, failed: Some(_) },
            Effect::StartRunner { generation: 2, .. }
        ]
    ));
    assert_eq!(play.exit(2), []);
    assert_eq!(play.ready(3), [switched(2), terminated(1)]);
}

#[test]
fn recreating_switches_at_once_and_old_runners_do_not_count() {
    let mut play = Play::up(Spec::default());
    play.arrive(2);
    play.hear(Event::Began { id: id(2), attempt: Attempt(1) });
    play.arrive(3);
    assert_eq!(play.replace(1, Strategy::Recreate), [switched(1), begun(2, 1)]);
}

#[test]
fn a_restart_keeps_serving_and_a_forced_one_runs_the_requests_again() {
    let mut play = Play::up(Spec::default());
    assert_eq!(play.hear(Event::Restart { generation: 1, force: false }), [begun(2, 1)]);
    assert_eq!(play.ready(2), [switched(1), terminated(1)]);
    play.exit(1);
    play.arrive(2);
    play.hear(Event::Began { id: id(2), attempt: Attempt(1) });
    let forced = play.hear(Event::Restart { generation: 2, force: true });
    assert_eq!(forced[..2], [switched(2), Effect::KillRunner { runner: runner(2) }]);
    play.report(2, 1, lost());
    assert!(play.exit(2).contains(&Effect::Requeue { id: id(2), attempt: Attempt(1), crashed: false }));
}

#[test]
fn a_lower_ceiling_ends_the_idle_at_once_and_the_busy_when_they_are_done() {
    let mut play = Play::new(Spec { min_concurrency: 3, max_concurrency: 3, ..Spec::default() });
    play.hear(Event::Tick);
    for n in 1..=3 {
        play.ready(n);
    }
    for n in [1, 2] {
        play.arrive(n);
        play.hear(Event::Began { id: id(n), attempt: Attempt(1) });
    }
    let effects = play.hear(Event::Retune { spec: Spec::default() });
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!(play.phases().iter().filter(|(phase, _)| *phase == RunnerPhase::Draining).count(), 1);
    assert_eq!(play.phases().iter().filter(|(phase, _)| *phase == RunnerPhase::Running).count(), 1);
}

#[test]
fn a_retuned_app_keeps_its_scaling_when_the_definition_on_trial_takes_over() {
    let mut play = Play::up(Spec::default());
    let spec = Spec { max_multiplexing: 4, ..Spec::default() };
    play.hear(Event::Replace { generation: 1, spec, strategy: Strategy::Rolling });
    play.hear(Event::Retune { spec: Spec { max_concurrency: 5, ..Spec::default() } });
    play.ready(2);
    assert_eq!((play.app.spec().max_concurrency, play.app.spec().max_multiplexing), (5, 4));
}

#[test]
fn a_stopped_runner_drains_and_its_replacement_comes_first_if_asked_for() {
    let mut play = Play::up(Spec { min_concurrency: 1, ..Spec::default() });
    let stop = |replace_first| Event::StopRunner { runner: runner(1), replace_first };
    assert_eq!(play.hear(stop(true)), [begun(2, 0)]);
    assert_eq!(play.hear(stop(true)), [], "one replacement is enough");
    assert_eq!(play.ready(2), [terminated(1)]);
    assert_eq!(play.exit(1), []);
    assert_eq!(play.hear(Event::StopRunner { runner: runner(2), replace_first: false }), [terminated(2)]);
    assert_eq!(play.exit(2), [begun(3, 0)]);
}

#[test]
fn a_killed_runner_is_not_held_against_the_app_nor_against_its_requests() {
    let mut play = Play::new(Spec { poison_after: 1, ..Spec::default() });
    play.run(1, 1);
    assert_eq!(play.hear(Event::KillRunner { runner: runner(1) }), [Effect::KillRunner { runner: runner(1) }]);
    play.report(1, 1, lost());
    assert!(play.exit(1).contains(&Effect::Requeue { id: id(1), attempt: Attempt(1), crashed: false }));
    assert_eq!(play.app.backoff(play.now), None);
}

#[test]
fn a_removed_app_ends_what_waits_and_takes_nothing_more() {
    let mut play = Play::new(Spec::default());
    play.run(1, 1);
    play.arrive(2);
    let effects = play.hear(Event::Remove);
    let [Effect::Finish { end: End::Failure { failure, .. }, .. }, last] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(failure.detail, "the app was deleted before the request was done");
    assert_eq!(*last, terminated(1));
    play.hear(Event::Ended { id: id(2) });
    assert!(matches!(play.arrive(3)[..], [Effect::Finish { .. }]));
    play.hear(Event::Ended { id: id(3) });
    play.report(1, 1, answered(200));
    play.hear(Event::Ended { id: id(1) });
    assert!(!play.app.is_gone());
    assert_eq!(play.exit(1), []);
    assert!(play.app.is_gone());
}

#[test]
fn a_buffer_in_percent_grows_with_the_load() {
    let spec = Spec { concurrency_buffer_percent: 50, max_concurrency: 10, ..Spec::default() };
    let mut play = Play::new(spec);
    assert_eq!(play.hear(Event::Tick), []);
    for n in 1..=3 {
        play.arrive(n);
    }
    assert_eq!(play.app.runners().len(), 5);
}

#[test]
fn a_direct_caller_is_not_held_for_a_start_that_is_far_away() {
    let mut play = Play::new(Spec { crash_pause: CrashPause::DEPLOYED, ..Spec::default() });
    play.hear(Event::Arrived(Job { kind: Kind::Direct, ..job(1) }));
    let effects = play.exit(1);
    let [Effect::Refuse { failure, .. }, Effect::Forget { .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(failure.detail, "no runner can be started, after 1 try; the last: it exited with status 1");
}

#[test]
fn one_that_waits_hears_of_the_stages_of_a_start_and_their_times() {
    let mut play = Play::new(Spec::default());
    play.arrive(1);
    for name in ["environment", "import", "setup"] {
        play.now = play.now.plus(Duration::from_secs(2));
        play.hear(Event::RunnerStage { runner: runner(1), name: name.into(), detail: None });
    }
    play.now = play.now.plus(Duration::from_secs(1));
    let why = play.app.why(id(1), play.now).unwrap();
    let told = "a runner is being started: setup, 7.0 s so far (queued 2.0 s, environment 2.0 s, import 2.0 s)";
    assert_eq!(why.detail, told);
}

#[test]
fn a_stop_of_the_server_ends_a_rollout_and_what_waits_to_take_anothers_place() {
    let mut play = Play::up(Spec::default());
    play.hear(Event::StopRunner { runner: runner(1), replace_first: true });
    play.replace(1, Strategy::Rolling);
    let effects = play.hear(Event::Stop);
    let ended = |n| effects.contains(&terminated(n));
    assert!(ended(1) && ended(2) && ended(3), "{effects:?}");
    let failed = Some("the server is being stopped".to_owned());
    assert!(effects.contains(&Effect::RolloutEnded { generation: 1, failed }));
}
