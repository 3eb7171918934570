//! Everything the dashboard knows: plain data, changed only by `update`.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{
    AlertState, AlertView, EnvironmentView, JournalEvent, Role, Severity, Tier,
};
use std::collections::{BTreeMap, VecDeque};

/// Journal lines kept for the screen.
pub const JOURNAL_MAX: usize = 200;
/// An environment that said nothing for this long is shown as stale: two missed updates.
pub const STALE_AFTER: TimeDelta = TimeDelta::seconds(10);

/// How the stream stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Before the first answer.
    Connecting,
    Live,
    /// Gone since `since`; attempt `attempt` is due at `retry_at`.
    Lost {
        since: DateTime<Utc>,
        attempt: u32,
        retry_at: DateTime<Utc>,
        reason: String,
    },
    /// The daemon refused the token; trying again would not help.
    Refused {
        reason: String,
    },
}

/// Which page is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Screen {
    Overview,
    Environment,
    Alerts,
    Journal,
    Capacity,
    Cost,
}

/// An environment and when we last heard of it, by our own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    pub view: EnvironmentView,
    pub heard_at: DateTime<Utc>,
}

impl Environment {
    /// How old what we show is.
    #[must_use]
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        (now - self.heard_at).max(TimeDelta::zero())
    }

    /// Whether it is too old to be taken for the present.
    #[must_use]
    pub fn stale(&self, now: DateTime<Utc>) -> bool {
        self.age(now) >= STALE_AFTER
    }
}

/// The whole state of the dashboard.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub connection: Connection,
    /// When anything last came over the stream, by our own clock.
    pub heard_at: Option<DateTime<Utc>>,
    pub role: Option<Role>,
    /// Production first, then by name.
    pub environments: Vec<Environment>,
    /// Newest last.
    pub journal: VecDeque<JournalEvent>,
    pub screen: Screen,
    /// The environment under the cursor, by name, so that a new row never moves the cursor.
    pub selected: Option<String>,
    /// Lines that the open list is scrolled by.
    pub scroll: u16,
    pub help: bool,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            connection: Connection::Connecting,
            heard_at: None,
            role: None,
            environments: Vec::new(),
            journal: VecDeque::new(),
            screen: Screen::Overview,
            selected: None,
            scroll: 0,
            help: false,
        }
    }
}

impl Model {
    /// The environment under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Environment> {
        let name = self.selected.as_ref()?;
        self.environments.iter().find(|environment| environment.view.name == *name)
    }

    /// Puts an environment in its place.
    pub fn put(&mut self, view: EnvironmentView, now: DateTime<Utc>) {
        let heard = Environment { view, heard_at: now };
        match self.environments.iter_mut().find(|e| e.view.name == heard.view.name) {
            Some(known) => *known = heard,
            None => self.environments.push(heard),
        }
        self.environments.sort_by(|a, b| {
            (rank(a.view.tier), &a.view.name).cmp(&(rank(b.view.tier), &b.view.name))
        });
    }

    /// Gives a lost cursor the first environment.
    pub fn keep_cursor(&mut self) {
        if self.current().is_none() {
            self.selected = self.environments.first().map(|e| e.view.name.clone());
        }
    }

    /// Active alerts of all environments with their environment's name, most severe first.
    #[must_use]
    pub fn alerts(&self) -> Vec<(&str, &AlertView)> {
        let mut alerts: Vec<_> = self
            .environments
            .iter()
            .flat_map(|e| e.view.alerts.iter().map(|alert| (e.view.name.as_str(), alert)))
            .collect();
        alerts.sort_by_key(|(_, alert)| (!active(alert), alert.severity, alert.since));
        alerts
    }

    /// Active alerts by severity.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Severity, usize> {
        let mut counts = BTreeMap::from(
            [Severity::P1, Severity::P2, Severity::P3, Severity::P4].map(|severity| (severity, 0)),
        );
        for (_, alert) in self.alerts().into_iter().filter(|(_, alert)| active(alert)) {
            *counts.entry(alert.severity).or_default() += 1;
        }
        counts
    }

    /// Whether what is on the screen changes by the mere passing of time.
    #[must_use]
    pub fn ages(&self, now: DateTime<Utc>) -> bool {
        self.connection != Connection::Live || self.environments.iter().any(|e| e.stale(now))
    }
}

/// Whether an alert still wants somebody.
#[must_use]
pub fn active(alert: &AlertView) -> bool {
    matches!(alert.state, AlertState::Firing | AlertState::Acked)
}

fn rank(tier: Tier) -> u8 {
    match tier {
        Tier::Production => 0,
        Tier::Staging => 1,
        Tier::Local => 2,
    }
}
