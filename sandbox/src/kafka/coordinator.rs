//! All consumer groups, and who waits for an answer of theirs. The thin shell around `group`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use kafka_protocol::error::ResponseError as Code;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::group::{Answer, Description, Event, Group, Reply, Ticket};
use super::hold;

/// Groups with members. A bound on memory: a sandbox has a handful.
const GROUPS_MAX: usize = 1_000;

/// The groups of this broker process.
#[derive(Debug, Default)]
pub(super) struct Coordinator {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    groups: BTreeMap<String, Group>,
    waiting: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    tickets: u64,
}

impl Coordinator {
    /// Asks a group something and waits for its answer, however long that takes.
    pub(super) async fn ask(&self, group: &str, question: impl FnOnce(Ticket) -> Event) -> Answer {
        let receiver = {
            let mut inner = hold(&self.inner);
            if !inner.make_room(group) {
                return Answer::Refused(Code::PolicyViolation);
            }
            inner.tickets += 1;
            let ticket = Ticket(inner.tickets);
            let (sender, receiver) = oneshot::channel();
            inner.waiting.insert(ticket, sender);
            inner.tell(group, question(ticket), Instant::now());
            receiver
        };
        // The sender goes away only with the group, for example when the group is deleted.
        receiver.await.unwrap_or(Answer::Refused(Code::UnknownMemberId))
    }

    /// Lets a member go.
    ///
    /// # Errors
    /// There is no such group.
    pub(super) fn leave(&self, group: &str, member: String) -> Result<(), Code> {
        let mut inner = hold(&self.inner);
        if !inner.groups.contains_key(group) {
            return Err(Code::UnknownMemberId);
        }
        inner.tell(group, Event::Leave { member }, Instant::now());
        Ok(())
    }

    /// Does something with a group that is answered at once; a group that is not there is empty.
    pub(super) fn with<T>(&self, group: &str, ask: impl FnOnce(&mut Group, Instant) -> T) -> T {
        let mut inner = hold(&self.inner);
        let mut nobody = Group::default();
        ask(inner.groups.get_mut(group).unwrap_or(&mut nobody), Instant::now())
    }

    /// Lets time pass for every group, and forgets those without members.
    pub(super) fn tick(&self) {
        let mut inner = hold(&self.inner);
        let names: Vec<String> = inner.groups.keys().cloned().collect();
        for name in names {
            inner.tell(&name, Event::Tick, Instant::now());
        }
        inner.groups.retain(|_, group| !group.is_empty());
    }

    /// All groups with members.
    pub(super) fn describe_all(&self) -> BTreeMap<String, Description> {
        let inner = hold(&self.inner);
        inner.groups.iter().map(|(name, group)| (name.clone(), group.describe())).collect()
    }
}

impl Inner {
    fn make_room(&mut self, group: &str) -> bool {
        if !self.groups.contains_key(group) {
            if self.groups.len() >= GROUPS_MAX {
                return false;
            }
            self.groups.insert(group.to_owned(), Group::default());
        }
        true
    }

    fn tell(&mut self, name: &str, event: Event, now: Instant) {
        let Some(group) = self.groups.get_mut(name) else { return };
        for Reply { ticket, answer } in group.next(event, now) {
            if let Some(waiting) = self.waiting.remove(&ticket) {
                // Whoever asked may have hung up; then nobody misses the answer.
                let _ = waiting.send(answer);
            }
        }
    }
}
