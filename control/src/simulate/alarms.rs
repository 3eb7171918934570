//! Evaluates the environment's alert rules as production does, and counts pages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::alert::rule::{Known, Verdict, evaluate};
use crate::alert::state::{Change, Episode, State, next};
use crate::alert::{Findings, Rule};
use crate::app::Signals;
use crate::fleet::Fleet;
use crate::slo::History;

/// All episodes of one simulated environment.
pub struct Alarms<'a> {
    environment: &'a str,
    rules: &'a [Rule],
    open: BTreeMap<&'a str, Episode>,
    /// Long series and other parts' findings are not simulated, so these are unknown.
    history: History,
    findings: Findings,
    /// How often each rule told somebody.
    pub fired: BTreeMap<&'a str, u32>,
}

impl<'a> Alarms<'a> {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(environment: &'a str, rules: &'a [Rule]) -> Self {
        Self {
            environment,
            rules,
            open: BTreeMap::new(),
            history: History::default(),
            findings: Findings::default(),
            fired: BTreeMap::new(),
        }
    }

    /// Evaluates every rule once. Returns a step that no episode may take, if one took it.
    pub fn evaluate(
        &mut self,
        signals: &Signals,
        fleet: &Fleet,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let (history, findings) = (&self.history, &self.findings);
        let known = Known { signals, fleet, history, slos: &[], findings };
        let mut illegal = None;
        for rule in self.rules {
            let finding = evaluate(rule, &known, now);
            let before = self.open.get(rule.name.as_str());
            let (after, change) = next(self.environment, rule, before, &finding, now);
            let (from, to) = (before.map(|one| one.state), after.as_ref().map(|one| one.state));
            if !legal(from, to, finding.verdict) {
                let step = format!("{}: {from:?} to {to:?} on {:?}", rule.name, finding.verdict);
                illegal.get_or_insert(step);
            }
            if change == Change::Fired {
                *self.fired.entry(&rule.name).or_default() += 1;
            }
            match after.filter(|one| !matches!(one.state, State::Resolved { .. })) {
                Some(episode) => self.open.insert(&rule.name, episode),
                None => self.open.remove(rule.name.as_str()),
            };
        }
        illegal
    }
}

/// The steps that an episode may take, written down apart from the machine that takes them.
fn legal(from: Option<State>, to: Option<State>, verdict: Verdict) -> bool {
    let holds = verdict == Verdict::Holds;
    match (from, to) {
        (None, None) => true,
        (None, Some(State::Pending { .. } | State::Firing { .. })) => holds,
        (Some(State::Pending { .. }), None) => verdict == Verdict::Clear,
        (Some(State::Pending { .. }), Some(State::Pending { .. })) => true,
        (Some(State::Pending { .. }), Some(State::Firing { .. })) => holds,
        (Some(State::Firing { .. }), Some(State::Firing { .. })) => true,
        (Some(State::Firing { .. }), Some(State::Resolved { .. })) => verdict == Verdict::Clear,
        _ => false,
    }
}
