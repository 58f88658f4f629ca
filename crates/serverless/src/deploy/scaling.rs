//! Scaling: what the code says, what the alias keeps, and what dispatch is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{error::DeployError, machine};
use crate::api::controller::{MachineRequirements, UpdateApplicationRequest};

/// What was said; what was not said is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Wishes {
    pub keep_alive: Option<i32>,
    pub min_concurrency: Option<i32>,
    pub max_concurrency: Option<i32>,
    pub concurrency_buffer: Option<i32>,
    pub concurrency_buffer_perc: Option<i32>,
    pub scaling_delay: Option<i32>,
    pub request_timeout: Option<i32>,
    /// 0 clears it.
    pub request_start_timeout: Option<i32>,
    pub max_multiplexing: Option<i32>,
    pub startup_timeout: Option<i32>,
    /// Empty: not said.
    pub valid_regions: Vec<String>,
    pub machine_types: Vec<String>,
}

/// What is in force for an alias. Times are in seconds.
#[expect(clippy::struct_field_names, reason = "the names are those of the protocol")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Scaling {
    pub keep_alive: u32,
    pub min_concurrency: u32,
    pub max_concurrency: u32,
    pub concurrency_buffer: u32,
    pub concurrency_buffer_perc: u32,
    pub scaling_delay: u32,
    pub request_timeout: u32,
    pub request_start_timeout: Option<u32>,
    pub valid_regions: Vec<String>,
    // The code says these three at each deploy.
    pub machine_types: Vec<String>,
    pub max_multiplexing: u32,
    pub startup_timeout: u32,
}

impl Default for Scaling {
    fn default() -> Self {
        Self {
            keep_alive: 10,
            min_concurrency: 0,
            max_concurrency: 2,
            concurrency_buffer: 0,
            concurrency_buffer_perc: 0,
            scaling_delay: 0,
            request_timeout: 3600,
            request_start_timeout: None,
            valid_regions: Vec::new(),
            machine_types: vec![machine::DEFAULT.to_owned()],
            max_multiplexing: 1,
            startup_timeout: 600,
        }
    }
}

impl Scaling {
    /// As the code says, defaults where it says nothing.
    pub(crate) fn of_code(wishes: &Wishes) -> Result<Self, DeployError> {
        let mut scaling = Self::default();
        // A minimum above the default maximum says what maximum is meant.
        if let (Some(least), None) = (wishes.min_concurrency, wishes.max_concurrency) {
            scaling.max_concurrency = scaling.max_concurrency.max(u32::try_from(least).unwrap_or(0));
        }
        scaling.change(wishes)?;
        Ok(scaling)
    }

    /// A deploy that does not reset: the alias keeps its own but for what the code always says.
    pub(crate) fn inherit(&self, wishes: &Wishes) -> Result<Self, DeployError> {
        let code = Self::of_code(wishes)?;
        let Self { machine_types, max_multiplexing, startup_timeout, .. } = code;
        Ok(Self { machine_types, max_multiplexing, startup_timeout, ..self.clone() })
    }

    /// Takes over what was said; nothing changes if any of it cannot be.
    pub(crate) fn change(&mut self, wishes: &Wishes) -> Result<(), DeployError> {
        let mut changed = self.clone();
        let set = |name: &'static str, place: &mut u32, said: Option<i32>, least: i32| match said {
            None => Ok(()),
            Some(said) if said >= least => {
                *place = said.unsigned_abs();
                Ok(())
            }
            Some(said) => Err(DeployError::Invalid(format!("`{name}` is {said}: expected {least} or more"))),
        };
        set("keep_alive", &mut changed.keep_alive, wishes.keep_alive, 0)?;
        set("min_concurrency", &mut changed.min_concurrency, wishes.min_concurrency, 0)?;
        set("max_concurrency", &mut changed.max_concurrency, wishes.max_concurrency, 1)?;
        set("concurrency_buffer", &mut changed.concurrency_buffer, wishes.concurrency_buffer, 0)?;
        set("concurrency_buffer_perc", &mut changed.concurrency_buffer_perc, wishes.concurrency_buffer_perc, 0)?;
        set("scaling_delay", &mut changed.scaling_delay, wishes.scaling_delay, 0)?;
        set("request_timeout", &mut changed.request_timeout, wishes.request_timeout, 1)?;
        set("max_multiplexing", &mut changed.max_multiplexing, wishes.max_multiplexing, 1)?;
        set("startup_timeout", &mut changed.startup_timeout, wishes.startup_timeout, 1)?;
        let mut start = changed.request_start_timeout.unwrap_or(0);
        set("request_start_timeout", &mut start, wishes.request_start_timeout, 0)?;
        changed.request_start_timeout = Some(start).filter(|start| *start > 0);
        if !wishes.valid_regions.is_empty() {
            changed.valid_regions.clone_from(&wishes.valid_regions);
        }
        if !wishes.machine_types.is_empty() {
            wishes.machine_types.iter().try_for_each(|name| machine::find(name).map(|_| ()))?;
            changed.machine_types.clone_from(&wishes.machine_types);
        }
        changed.check()?;
        *self = changed;
        Ok(())
    }

    fn check(&self) -> Result<(), DeployError> {
        /// Far more processes than one machine has room for.
        const MOST_RUNNERS: u32 = 1000;
        let (least, most) = (self.min_concurrency, self.max_concurrency);
        if least > most {
            return Err(DeployError::Invalid(format!(
                "`min_concurrency` is {least} and `max_concurrency` is {most}: the minimum cannot exceed the maximum"
            )));
        }
        if most > MOST_RUNNERS || self.concurrency_buffer > MOST_RUNNERS {
            return Err(DeployError::Invalid(format!(
                "`max_concurrency` and `concurrency_buffer` may be {MOST_RUNNERS} at most"
            )));
        }
        Ok(())
    }

    pub(crate) fn request_start_timeout(&self) -> Option<Duration> {
        self.request_start_timeout.map(seconds)
    }
}

pub(crate) fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

impl From<&MachineRequirements> for Wishes {
    fn from(asked: &MachineRequirements) -> Self {
        // The single type is a mirror of the first of the list, from before there was one.
        let single = asked.machine_type.iter().filter(|name| !name.is_empty()).cloned().collect();
        Self {
            keep_alive: asked.keep_alive,
            min_concurrency: asked.min_concurrency,
            max_concurrency: asked.max_concurrency,
            concurrency_buffer: asked.concurrency_buffer,
            concurrency_buffer_perc: asked.concurrency_buffer_perc,
            scaling_delay: asked.scaling_delay_seconds,
            request_timeout: asked.request_timeout,
            request_start_timeout: asked.request_start_timeout,
            max_multiplexing: asked.max_multiplexing,
            startup_timeout: asked.startup_timeout,
            valid_regions: asked.valid_regions.clone(),
            machine_types: if asked.machine_types.is_empty() { single } else { asked.machine_types.clone() },
        }
    }
}

impl From<&UpdateApplicationRequest> for Wishes {
    fn from(asked: &UpdateApplicationRequest) -> Self {
        Self {
            keep_alive: asked.keep_alive,
            min_concurrency: asked.min_concurrency,
            max_concurrency: asked.max_concurrency,
            concurrency_buffer: asked.concurrency_buffer,
            concurrency_buffer_perc: asked.concurrency_buffer_perc,
            scaling_delay: asked.scaling_delay_seconds,
            request_timeout: asked.request_timeout,
            request_start_timeout: asked.request_start_timeout,
            max_multiplexing: asked.max_multiplexing,
            startup_timeout: asked.startup_timeout,
            valid_regions: asked.valid_regions.clone(),
            machine_types: asked.machine_types.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deploy_without_reset_keeps_what_the_alias_has_but_for_the_three_of_the_code() {
        let mut alias = Scaling::default();
        alias.change(&Wishes { keep_alive: Some(300), max_concurrency: Some(7), ..Wishes::default() }).unwrap();
        let code = Wishes {
            keep_alive: Some(60),
            max_concurrency: Some(3),
            max_multiplexing: Some(4),
            startup_timeout: Some(30),
            machine_types: vec!["M".into()],
            ..Wishes::default()
        };
        let kept = alias.inherit(&code).unwrap();
        assert_eq!((kept.keep_alive, kept.max_concurrency), (300, 7));
        assert_eq!((kept.max_multiplexing, kept.startup_timeout, kept.machine_types), (4, 30, vec!["M".to_owned()]));
        let reset = Scaling::of_code(&code).unwrap();
        assert_eq!((reset.keep_alive, reset.max_concurrency), (60, 3));
    }

    #[test]
    fn a_wish_that_cannot_be_is_named_and_changes_nothing() {
        let mut scaling = Scaling::default();
        let before = scaling.clone();
        for (wishes, expected) in [
            (Wishes { keep_alive: Some(-1), ..Wishes::default() }, "`keep_alive` is -1: expected 0 or more"),
            (Wishes { max_multiplexing: Some(0), ..Wishes::default() }, "`max_multiplexing` is 0"),
            (Wishes { min_concurrency: Some(5), ..Wishes::default() }, "the minimum cannot exceed the maximum"),
            (Wishes { machine_types: vec!["XXL".into()], ..Wishes::default() }, "`XXL` is not known"),
            (Wishes { max_concurrency: Some(i32::MAX), ..Wishes::default() }, "1000 at most"),
        ] {
            let error = scaling.change(&wishes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(scaling, before);
    }

    #[test]
    fn a_start_deadline_of_zero_clears_it() {
        let mut scaling = Scaling::default();
        scaling.change(&Wishes { request_start_timeout: Some(9), ..Wishes::default() }).unwrap();
        assert_eq!(scaling.request_start_timeout, Some(9));
        scaling.change(&Wishes { request_start_timeout: Some(0), ..Wishes::default() }).unwrap();
        assert_eq!(scaling.request_start_timeout, None);
    }

    #[test]
    fn a_minimum_alone_raises_the_maximum() {
        let wishes = Wishes { min_concurrency: Some(4), ..Wishes::default() };
        assert_eq!(Scaling::of_code(&wishes).unwrap().max_concurrency, 4);
    }
}
