/// How often each outcome was observed.
#[derive(Debug, Default)]
pub(in crate::backplane::model) struct Outcomes {
    pub(super) ended_asks: u64,
    pub(super) right_asks: u64,
    pub(super) asks_with_missing_nodes: u64,
    pub(super) local_asks: u64,
    pub(super) dropped_asks: u64,
    pub(super) ended_by_others: u64,
    pub(super) watched_members: u64,
    pub(super) watched_changes: u64,
    pub(super) ended_nodes: u64,
    pub(super) cases_without_rest: u64,
}

impl crate::backplane::model::Outcomes for Outcomes {
    fn counts(&mut self) -> Vec<&mut u64> {
        let Self {
            ended_asks,
            right_asks,
            asks_with_missing_nodes,
            local_asks,
            dropped_asks,
            ended_by_others,
            watched_members,
            watched_changes,
            ended_nodes,
            cases_without_rest,
        } = self;
        vec![
            ended_asks,
            right_asks,
            asks_with_missing_nodes,
            local_asks,
            dropped_asks,
            ended_by_others,
            watched_members,
            watched_changes,
            ended_nodes,
            cases_without_rest,
        ]
    }
}
