//! Bugs planted on purpose, to show that the checks bite: those of the machine, and those of the engine around it.

use std::str::FromStr;

use evaluator::plant::Bug;

/// One deliberate mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Inside the machine.
    Machine(Bug),
    /// The engine sends every request twice, the second time as a new one.
    SendsTwiceAnew,
    /// The provider's adapter writes without a precondition.
    BlindWrite,
    /// The engine forgets the machine's memory when it ends.
    MemoryLost,
    /// The engine sends although it stood still since it was told to.
    LateSendAllowed,
    /// The engine acts although its disk did not take the step.
    StoreRefusalIgnored,
    /// The engine forgets what it had stored and not yet done when it ended.
    OutboxLost,
}

impl Planted {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let machine = evaluator::plant::ALL.into_iter().map(Self::Machine);
        let engine = [
            Self::SendsTwiceAnew,
            Self::BlindWrite,
            Self::MemoryLost,
            Self::LateSendAllowed,
            Self::StoreRefusalIgnored,
            Self::OutboxLost,
        ];
        machine.chain(engine).collect()
    }

    /// Its name on the command line.
    pub fn word(self) -> String {
        match self {
            Self::Machine(bug) => format!("{bug:?}"),
            Self::SendsTwiceAnew
            | Self::BlindWrite
            | Self::MemoryLost
            | Self::LateSendAllowed
            | Self::StoreRefusalIgnored
            | Self::OutboxLost => {
                format!("{self:?}")
            }
        }
    }
}

impl FromStr for Planted {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::all().into_iter().find(|bug| bug.word() == word).ok_or_else(|| {
            let known: Vec<_> = Self::all().into_iter().map(Self::word).collect();
            format!("`{word}` is no bug that can be planted: {}", known.join(", "))
        })
    }
}
