//! Runners and their lines.

use std::{collections::VecDeque, time::Duration};

use tintype_domain::{RunnerId, Timestamp};

use super::Tables;
use crate::{RUNNER_LOG_LINES, RUNNER_RETENTION, RunnerLog, RunnerLogFilter, RunnerRecord};

impl Tables {
    pub(super) fn put_runner(&mut self, runner: RunnerRecord) {
        let ended = self.runners.get(&runner.runner).is_some_and(|known| known.ended_at.is_some());
        if runner.ended_at.is_some() || !ended {
            self.runners.insert(runner.runner.clone(), runner);
        }
    }

    pub(super) fn ended_runners(&self, wanted: impl Fn(&RunnerRecord) -> bool) -> Vec<RunnerRecord> {
        let ended = |runner: &&RunnerRecord| runner.ended_at.is_some() && wanted(runner);
        let mut runners: Vec<_> = self.runners.values().filter(ended).cloned().collect();
        runners.sort_by(|a, b| (b.ended_at, &b.runner).cmp(&(a.ended_at, &a.runner)));
        runners
    }

    pub(super) fn close_runners(&mut self, now: Timestamp, reason: &str, living: &[RunnerId]) -> u32 {
        let mut closed = 0;
        let open = |runner: &&mut RunnerRecord| runner.ended_at.is_none() && !living.contains(&runner.runner);
        for runner in self.runners.values_mut().filter(open) {
            runner.ended_at = Some(now);
            runner.reason.get_or_insert_with(|| reason.to_owned());
            closed += 1;
        }
        closed
    }

    pub(super) fn append_runner_logs(&mut self, lines: Vec<RunnerLog>) {
        for line in lines {
            let log = self.runner_logs.entry(line.runner.clone()).or_default();
            let (seq, earliest) = log
                .back()
                .map_or((1, line.timestamp), |last| (last.seq + 1, last.timestamp.plus(Duration::from_micros(1))));
            log.push_back(RunnerLog { seq, timestamp: line.timestamp.max(earliest), ..line });
            if log.len() > RUNNER_LOG_LINES as usize {
                log.pop_front();
            }
        }
    }

    pub(super) fn runner_logs(&self, filter: &RunnerLogFilter) -> Vec<RunnerLog> {
        let search = filter.search.as_ref().map(|search| search.to_ascii_lowercase());
        let wanted = |line: &&RunnerLog| {
            filter.since.is_none_or(|since| line.timestamp >= since)
                && filter.until.is_none_or(|until| line.timestamp < until)
                && search.as_ref().is_none_or(|search| line.message.to_ascii_lowercase().contains(search))
        };
        let lines = self.runner_logs.get(&filter.runner).into_iter().flat_map(|log| log.iter().rev());
        lines.filter(wanted).take(filter.limit as usize).cloned().collect()
    }

    /// How many went comes back.
    pub(super) fn sweep_runners(&mut self, now: Timestamp, limit: usize) -> usize {
        let old = now.minus(RUNNER_RETENTION);
        let mut due: Vec<_> =
            self.runners.values().filter(|runner| runner.ended_at.is_some_and(|at| at <= old)).collect();
        due.sort_by_key(|runner| (runner.ended_at, runner.runner.clone()));
        let due: Vec<_> = due.into_iter().take(limit).map(|runner| runner.runner.clone()).collect();
        for runner in &due {
            self.runners.remove(runner);
        }
        due.len()
    }

    /// The oldest of all first. How many went comes back.
    pub(super) fn sweep_runner_logs(&mut self, now: Timestamp, limit: usize) -> usize {
        let old = now.minus(RUNNER_RETENTION);
        let oldest = |log: &VecDeque<RunnerLog>| log.front().map(|line| line.timestamp).filter(|at| *at <= old);
        for swept in 0..limit {
            let logs = self.runner_logs.iter().filter_map(|(runner, log)| Some((oldest(log)?, runner.clone())));
            let Some((_, runner)) = logs.min() else { return swept };
            self.runner_logs.entry(runner).or_default().pop_front();
        }
        limit
    }
}
