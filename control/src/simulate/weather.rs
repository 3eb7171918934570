//! Spells of trouble in a simulated world: from when to when which part misbehaves, and how.

/// What can be wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Nothing is published; the questions are answered, with nothing in them.
    Silence,
    /// CloudWatch answers with a part of what there is.
    Partial,
    /// Every call is refused for a while, questions and changes alike.
    Throttled,
    /// A change is made and its reply lost.
    ReplyLost,
    /// A change is lost on its way.
    RequestLost,
    /// A deployment replaces the tasks.
    Deployment,
    /// The database has no writer: nothing is served.
    WriterDown,
    /// Somebody holds the size.
    Held,
}

impl Trouble {
    /// All of them, by the names that scenarios and traces use.
    pub const NAMES: [(&str, Self); 8] = [
        ("metrics_silent", Self::Silence),
        ("metrics_partial", Self::Partial),
        ("aws_throttled", Self::Throttled),
        ("reply_lost", Self::ReplyLost),
        ("request_lost", Self::RequestLost),
        ("deployment", Self::Deployment),
        ("writer_failover", Self::WriterDown),
        ("held", Self::Held),
    ];
}

/// One kind of trouble, `[from, to)` in seconds from the start of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    pub trouble: Trouble,
    pub from: i64,
    pub to: i64,
}

/// All spells of one world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    spells: Vec<Spell>,
}

impl Weather {
    /// These spells; they may overlap.
    #[must_use]
    pub fn new(spells: Vec<Spell>) -> Self {
        Self { spells }
    }

    /// Is this wrong at this second?
    #[must_use]
    pub fn has(&self, trouble: Trouble, second: i64) -> bool {
        self.spells
            .iter()
            .any(|spell| spell.trouble == trouble && (spell.from..spell.to).contains(&second))
    }

    /// Every spell, in no order.
    #[must_use]
    pub fn spells(&self) -> &[Spell] {
        &self.spells
    }
}
