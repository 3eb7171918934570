//! Which brokers are up, who leads what, and since which epoch. Pure.
//!
//! All brokers share one store, so leadership decides only whom clients talk to. Partition and
//! group fall into as many slots as there are brokers; slot `s` prefers broker `s` and moves to the
//! next one that is up. Epochs only ever grow, also over restarts: clients ignore older metadata.

/// One broker's address and condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Broker id, from 1.
    pub(super) id: i32,
    /// Host that clients are told.
    pub(super) host: String,
    /// Port that clients are told.
    pub(super) port: u16,
    /// Whether it serves.
    pub(super) up: bool,
}

/// Leader of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lead {
    /// Position of the leading broker; `None` when no broker is up.
    pub(super) node: Option<usize>,
    /// Generation in which this leadership began.
    pub(super) epoch: i32,
}

/// The brokers of one process.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    nodes: Vec<Node>,
    leads: Vec<Lead>,
}

impl Cluster {
    /// All brokers up, with every leadership beginning at `generation`. There is at least one.
    pub(super) fn new(addresses: Vec<(String, u16)>, generation: i32) -> Self {
        assert!(!addresses.is_empty(), "a cluster has at least one broker");
        let node = |(at, (host, port))| {
            let id = i32::try_from(at).expect("three or so brokers") + 1;
            Node { id, host, port, up: true }
        };
        let nodes: Vec<Node> = addresses.into_iter().enumerate().map(node).collect();
        let leads = (0..nodes.len()).map(|at| Lead { node: Some(at), epoch: generation }).collect();
        Self { nodes, leads }
    }

    /// All brokers in the order of their ids.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The first broker that is up; it answers as controller.
    pub(super) fn controller(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.up)
    }

    /// Who leads a partition.
    pub(super) fn leader(&self, topic: &str, partition: i32) -> Lead {
        let partition = usize::try_from(partition).unwrap_or_default();
        self.leads[(hash(topic) + partition) % self.leads.len()]
    }

    /// Who coordinates a group or a transactional id.
    pub(super) fn coordinator(&self, key: &str) -> Option<usize> {
        self.leads[hash(key) % self.leads.len()].node
    }

    /// Marks a broker up or down; leaderships that move begin at `generation`.
    pub(super) fn set_up(&mut self, node: usize, up: bool, generation: i32) {
        self.nodes[node].up = up;
        let count = self.nodes.len();
        for (slot, lead) in self.leads.iter_mut().enumerate() {
            let mut preferred = (0..count).map(|step| (slot + step) % count);
            let leader = preferred.find(|candidate| self.nodes[*candidate].up);
            if leader != lead.node {
                *lead = Lead { node: leader, epoch: generation };
            }
        }
    }
}

fn hash(key: &str) -> usize {
    usize::try_from(crc32c::crc32c(key.as_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Cluster {
        let address = |port| ("127.0.0.1".to_owned(), port);
        Cluster::new(vec![address(1), address(2), address(3)], 5)
    }

    fn led(cluster: &Cluster) -> Vec<(Option<usize>, i32)> {
        cluster.leads.iter().map(|lead| (lead.node, lead.epoch)).collect()
    }

    #[test]
    fn leaderships_move_off_a_broker_that_goes_down_and_back_when_it_returns() {
        let mut cluster = three();
        assert_eq!(led(&cluster), [(Some(0), 5), (Some(1), 5), (Some(2), 5)]);
        cluster.set_up(1, false, 6);
        assert_eq!(led(&cluster), [(Some(0), 5), (Some(2), 6), (Some(2), 5)]);
        cluster.set_up(2, false, 7);
        assert_eq!(led(&cluster), [(Some(0), 5), (Some(0), 7), (Some(0), 7)]);
        cluster.set_up(0, false, 8);
        assert_eq!(led(&cluster), [(None, 8), (None, 8), (None, 8)]);
        assert!(cluster.controller().is_none());
        cluster.set_up(1, true, 9);
        assert_eq!(led(&cluster), [(Some(1), 9), (Some(1), 9), (Some(1), 9)]);
        assert_eq!(cluster.controller().unwrap().id, 2);
    }

    #[test]
    fn the_partitions_of_a_topic_are_spread_evenly() {
        let cluster = three();
        let mut counts = [0; 3];
        for partition in 0..12 {
            counts[cluster.leader("wallet.events", partition).node.unwrap()] += 1;
        }
        assert_eq!(counts, [4, 4, 4]);
    }

    #[test]
    fn a_group_has_one_coordinator_and_gets_another_when_that_is_down() {
        let mut cluster = three();
        let first = cluster.coordinator("g").unwrap();
        cluster.set_up(first, false, 6);
        assert_ne!(cluster.coordinator("g").unwrap(), first);
    }
}
